"""`manage.py up` as a person starts it: a process of its own, an empty data folder, a free port."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, "manage.py"]

pytestmark = pytest.mark.slow


class Installation:
    """A data folder and a port, with whatever runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / "up.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "OPSAAS_DATA_DIR": str(folder),
            "OPSAAS_PORT": str(self.port),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Returns what was said until it was ready."""
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*MANAGE, "up"], cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + 60
        while "Ctrl-C stops it." not in self.log.read_text():
            assert time.monotonic() < end, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        return self.log.read_text()

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        if self.process:
            self.process.send_signal(number)
            self.process.wait(30)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """As in another terminal of the same checkout."""
        return subprocess.run(
            [*MANAGE, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )

    def get(self, path: str, token: str = "") -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def children(self) -> dict[str, int]:
        """The processes of the installation by their names."""
        assert self.process
        marks = {"valkey-server": "broker", "uvicorn": "web", "celery": "worker", "scheduler": "scheduler"}
        found: dict[str, int] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(path.read_text().rpartition(")")[2].split()[1])
                command = (path.parent / "cmdline").read_text()
            except OSError:
                continue
            if parent == self.process.pid:
                found |= {name: int(path.parent.name) for mark, name in marks.items() if mark in command}
        return found


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("up") / "var")
    made.start()
    yield made
    made.stop()


def test_the_first_start_prints_the_address_and_the_sign_ins(installation: Installation) -> None:
    said = installation.log.read_text()
    assert f"opsaas is ready: http://127.0.0.1:{installation.port}/" in said
    for person in ("admin", "owner", "owner2", "author", "runner", "auditor"):
        assert re.search(rf"\b{person}\b", said), said


def test_it_answers_as_ready(installation: Installation) -> None:
    assert installation.get("/readyz") == 200
    assert installation.get("/livez") == 200


def test_the_data_folder_and_the_key_are_private(installation: Installation) -> None:
    assert installation.folder.stat().st_mode & 0o077 == 0
    assert (installation.folder / "secret-key").stat().st_mode & 0o077 == 0


def test_a_second_up_is_refused_before_it_touches_anything(installation: Installation) -> None:
    refused = installation.manage("up")
    assert refused.returncode == 1
    assert installation.process
    assert f"process {installation.process.pid}" in refused.stderr
    assert installation.get("/readyz") == 200


def test_a_command_in_another_terminal_finds_the_same_database(installation: Installation) -> None:
    made = installation.manage("issue_token", "runner")
    token = next(word for word in made.stdout.split() if word.startswith("ops_"))
    assert installation.get("/api/v1/me", token) == 200


@pytest.mark.parametrize("name", ["broker", "web", "worker", "scheduler"])
def test_each_part_comes_back_after_it_was_killed(installation: Installation, name: str) -> None:
    before = installation.children()[name]
    os.kill(before, signal.SIGKILL)
    end = time.monotonic() + 20
    while installation.children().get(name, before) == before:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert installation.get("/livez") == 200


def test_a_restart_keeps_the_sign_ins_to_itself_and_leaves_nothing_behind(installation: Installation) -> None:
    pids = list(installation.children().values())
    begun = time.monotonic()
    installation.stop()
    assert time.monotonic() - begun < 15
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert "printed at the first start" in installation.start()


def test_a_taken_port_is_told_at_once_and_nothing_is_started(tmp_path: Path) -> None:
    other = Installation(tmp_path / "var")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", other.port))
        taken.listen()
        refused = other.manage("up")
    assert refused.returncode == 1
    assert f"Port {other.port} can't be used" in refused.stderr
    assert not (other.folder / "opsaas.sqlite3").exists()
    assert refused.stdout == ""
