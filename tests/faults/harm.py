"""The means to do harm, and to count what came of it."""

import os
import signal
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from celery import Celery
from psycopg import sql

from tests.installation import Installation

WORKER = "celeryd: "


def counted(starts: Path) -> int:
    return len(starts.read_text().splitlines()) if starts.exists() else 0


def worker(system: Installation) -> int:
    """The worker's process, waited for if the supervisor is just starting it again."""
    end = time.monotonic() + 30
    while True:
        with suppress(AssertionError):
            return system.pid_of(WORKER)
        assert time.monotonic() < end, system.processes()
        time.sleep(0.1)


@contextmanager
def paused(pid: int, *, of: Installation) -> Iterator[None]:
    """Not in the middle of a write: SQLite lets one write at a time, so that everybody would wait for the sleeper."""
    os.kill(pid, signal.SIGSTOP)
    while _is_locked(of):
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.05)
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _is_locked(system: Installation) -> bool:
    if system.environment.get("DATABASE_URL"):
        return False
    file = Path(system.environment["OPSAAS_DATA_DIR"]) / "opsaas.sqlite3"
    with closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        database.execute("ROLLBACK")
        return False


def send_hint(system: Installation, step_run_id: str, *, times: int) -> None:
    app = Celery(broker=system.broker_url)
    with app.producer_pool.acquire() as producer:
        for _ in range(times):
            app.send_task("runbooks.execute", kwargs={"id": step_run_id}, queue="opsaas", producer=producer)


@contextmanager
def own_database() -> Iterator[str]:
    """The address of an empty database beside the one that OPSAAS_TEST_DATABASE_URL names; "" stands for SQLite."""
    given = os.environ.get("OPSAAS_TEST_DATABASE_URL", "")
    if not given:
        yield ""
        return
    name = sql.Identifier(f"faults_{uuid.uuid4().hex[:12]}")
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield urlunsplit(urlsplit(given)._replace(path=f"/{name.as_string(None).strip(chr(34))}"))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def through(url: str, *, port: int) -> str:
    """URL with another port of this machine in place of its server's own."""
    parts = urlsplit(url)
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}"))
