"""A running installation of one's own, to measure or to harm, and a client for it."""

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

import psycopg
from psycopg import sql

from runbooks.management.embedded import broker

HOME = Path(__file__).resolve().parent.parent
FINAL = {"succeeded", "failed", "timed_out", "cancelled", "denied", "expired", "refused", "lost"}


class Installation:
    """`manage.py up` in a data folder of its own, on the servers that OPSAAS_TEST_… name or on embedded ones."""

    def __init__(self, *, environment: dict[str, str], port: int, process: subprocess.Popen[bytes]) -> None:
        self.environment, self.port, self.process = environment, port, process

    @property
    def engine(self) -> str:
        return "PostgreSQL and Redis" if self.environment.get("DATABASE_URL") else "SQLite and Valkey (embedded)"

    @property
    def broker_url(self) -> str:
        given = self.environment.get("OPSAAS_BROKER_URL")
        return given or broker.url(broker.socket_path(Path(self.environment["OPSAAS_DATA_DIR"])))

    @property
    def redis_url(self) -> str:
        return self.broker_url.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=HOME, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def client(self, name: str) -> "Client":
        return Client(port=self.port, token=self.manage("issue_token", name))

    def pid_of(self, title: str) -> int:
        """The one process with TITLE in its command line."""
        found = [pid for pid, name in self.processes().items() if title in name]
        assert len(found) == 1, found
        return found[0]

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
            with contextlib.suppress(OSError):  # it may have ended in the meantime
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            waiting += children.get(pid, [])
        return found


class Client:
    """One kept-alive connection, as a client library holds it."""

    def __init__(self, *, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def raw(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Tries once more on a new connection: the web process may have been started again in between."""
        data = None if body is None else json.dumps(body)
        try:
            return self._ask(method, path, data)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._connection.close()
            return self._ask(method, path, data)

    def _ask(self, method: str, path: str, data: str | None) -> tuple[int, bytes]:
        self._connection.request(method, f"/api/v1{path}", data, self.head)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        status, text = self.raw(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {text[:300]!r}")
        return json.loads(text) if text else None

    def start(self, runbook: str) -> str:
        return str(self("POST", "/runs", {"runbook": runbook, "parameters": {}})["id"])

    def finished(self, run_id: str, *, every: float = 0.01, seconds: float = 120) -> dict[str, Any]:
        return self.until(FINAL, run_id, every=every, seconds=seconds)

    def until(self, statuses: set[str], run_id: str, *, every: float = 0.05, seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while True:
            run: dict[str, Any] = self("GET", f"/runs/{run_id}")
            if run["status"] in statuses:
                return run
            assert time.monotonic() < end, f"still {run['status']} after {seconds} s"
            time.sleep(every)


@contextlib.contextmanager
def installation(*, within: Path | None = None, **settings: object) -> Iterator[Installation]:
    """SETTINGS are variables of its environment, such as OPSAAS_LEASE_SECONDS=4; empty ones count as not set. Its data
    folder is made WITHIN the one given."""
    with tempfile.TemporaryDirectory(prefix="opsaas-test-", dir=within) as folder:
        port = _free_port()
        environment = _environment(folder=folder, port=port) | {name: str(value) for name, value in settings.items()}
        command = [sys.executable, "manage.py", "up"]
        with open(f"{folder}/up.log", "wb") as log:
            process = subprocess.Popen(command, cwd=HOME, env=environment, stdout=log, stderr=subprocess.STDOUT)
            try:
                _wait_until_ready(port, process, Path(folder) / "up.log")
                yield Installation(environment=environment, port=port, process=process)
            finally:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
                process.wait(90)


def _environment(*, folder: str, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPSAAS_")}
    kept.pop("DATABASE_URL", None)
    kept |= {"OPSAAS_DATA_DIR": folder, "OPSAAS_PORT": str(port), "OPSAAS_LOG_LEVEL": "ERROR"}
    for given, name in [("OPSAAS_TEST_DATABASE_URL", "DATABASE_URL"), ("OPSAAS_TEST_REDIS_URL", "OPSAAS_BROKER_URL")]:
        if value := os.environ.get(given):
            kept[name] = _own(value)
    if "DATABASE_URL" in kept:
        kept["OPSAAS_SECRET_KEY"] = secrets.token_urlsafe(50)
        kept["OPSAAS_SECRETS_KEYS"] = secrets.token_urlsafe(32)
    return kept


def _own(url: str) -> str:
    """Where tests run in several processes, the database or the Redis of this one: installations share neither."""
    index = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    if not index:
        return url
    if url.startswith("redis"):
        server, _, number = url.rpartition("/")
        return f"{server}/{(int(number) - 1 - index) % 15 + 1}"
    own = f"{url}_gw{index}"
    with psycopg.connect(url, autocommit=True) as connection, contextlib.suppress(psycopg.errors.DuplicateDatabase):
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(own.rpartition("/")[2])))
    return own


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 300
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
