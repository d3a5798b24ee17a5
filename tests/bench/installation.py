"""An installation of one's own to measure, and a client for it."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent.parent
FINAL = {"succeeded", "failed", "timed_out", "cancelled", "denied", "expired", "refused", "lost"}


class Installation:
    """`manage.py up` in a data folder of its own, on the servers that OPSAAS_TEST_… name or on embedded ones."""

    def __init__(self, *, environment: dict[str, str], port: int, process: subprocess.Popen[bytes]) -> None:
        self.environment, self.port, self.process = environment, port, process

    @property
    def engine(self) -> str:
        return "PostgreSQL and Redis" if "DATABASE_URL" in self.environment else "SQLite and Valkey (embedded)"

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=HOME, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def client(self, name: str) -> "Client":
        return Client(port=self.port, token=self.manage("issue_token", name))

    def processes(self) -> dict[int, str]:
        """Pid and title of the parent and every descendant of it."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, waiting = {}, [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:70]
            waiting += children.get(pid, [])
        return found


class Client:
    """One kept-alive connection, as a client library holds it."""

    def __init__(self, *, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def raw(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body)
        self._connection.request(method, f"/api/v1{path}", data, self._head)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        status, text = self.raw(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {text[:300]!r}")
        return json.loads(text) if text else None

    def start(self, runbook: str) -> str:
        return str(self("POST", "/runs", {"runbook": runbook, "parameters": {}})["id"])

    def finished(self, run_id: str, *, every: float = 0.01) -> dict[str, Any]:
        while True:
            run: dict[str, Any] = self("GET", f"/runs/{run_id}")
            if run["status"] in FINAL:
                return run
            time.sleep(every)


@contextlib.contextmanager
def installation() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="opsaas-bench-") as folder:
        port = _free_port()
        environment = _environment(folder=folder, port=port)
        command = [sys.executable, "manage.py", "up"]
        with open(f"{folder}/up.log", "wb") as log:
            process = subprocess.Popen(command, cwd=HOME, env=environment, stdout=log, stderr=subprocess.STDOUT)
            try:
                _wait_until_ready(port, process, Path(folder) / "up.log")
                yield Installation(environment=environment, port=port, process=process)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def _environment(*, folder: str, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPSAAS_")}
    kept.pop("DATABASE_URL", None)
    kept |= {"OPSAAS_DATA_DIR": folder, "OPSAAS_PORT": str(port), "OPSAAS_LOG_LEVEL": "ERROR"}
    for given, name in [("OPSAAS_TEST_DATABASE_URL", "DATABASE_URL"), ("OPSAAS_TEST_REDIS_URL", "OPSAAS_BROKER_URL")]:
        if value := os.environ.get(given):
            kept[name] = value
    if "DATABASE_URL" in kept:
        kept["OPSAAS_SECRET_KEY"] = secrets.token_urlsafe(50)
    return kept


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the installation did not come up:\n{log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
