"""Stand-ins for what the executor is given, and the means to look for survivors."""

import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from runbooks.domain.ports import Executor, Outcome, StopReason, Work
from runbooks.execution.linux import boottime


class Sink:
    def __init__(self) -> None:
        self.data = bytearray()
        self.largest = 0

    def write(self, data: bytes) -> None:
        self.data += data
        self.largest = max(self.largest, len(data))

    @property
    def text(self) -> str:
        return self.data.decode()


class HeldLease:
    """A lease that the test renews and stops."""

    def __init__(self, *, seconds: float = 60.0) -> None:
        self.good_until = boottime() + seconds
        self.stop: StopReason | None = None
        self._read_end, self._write_end = os.pipe()

    def renew(self, *, seconds: float) -> None:
        self.good_until = boottime() + seconds
        os.write(self._write_end, b".")

    def end(self, reason: StopReason) -> None:
        self.stop = reason
        os.write(self._write_end, b".")

    def fileno(self) -> int:
        return self._read_end

    def acknowledge(self) -> None:
        os.read(self._read_end, 4096)

    def __del__(self) -> None:
        os.close(self._read_end)
        os.close(self._write_end)


def work(script: str, *interpreter: str, **changes: object) -> Work:
    """A piece of work for `sh`, or for the interpreter named. Each has a run id of its own."""
    fields: dict[str, object] = {
        "run_id": uuid.uuid4().hex,
        "step_run_id": "step-run",
        "step_id": "only",
        "node": "",
        "attempt": 1,
        "actor": "runner",
        "script": script,
        "script_name": "main",
        "interpreter": interpreter or ("sh",),
        "parameters": {},
        "timeout_seconds": 20.0,
        "grace_seconds": 0.15,
    }
    return Work(**{**fields, **changes})  # type: ignore[arg-type]


class Running:
    """A piece of work being executed in a thread."""

    def __init__(self, executor: Executor, piece: Work, lease: HeldLease | None = None) -> None:
        self.work = piece
        self.sink = Sink()
        self.lease = lease or HeldLease()
        self._executor = executor
        self._outcome: Outcome | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def outcome(self, *, within: float = 30.0) -> Outcome:
        self._thread.join(within)
        assert self._outcome is not None, f"no outcome within {within} s"
        return self._outcome

    def until_it_says(self, word: str) -> None:
        wait_until(lambda: word in self.sink.text)

    def _run(self) -> None:
        self._outcome = self._executor.execute(work=self.work, sink=self.sink, lease=self.lease)


def wait_until(condition: Callable[[], object], *, within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within} s"
        time.sleep(0.01)


def survivors(run_id: str) -> list[int]:
    """Every process that carries the run's cookie in its environment. Ended ones have no environment left."""
    cookie = f"OPSAAS_RUN_ID={run_id}".encode()
    return [pid for pid in _all_pids() if cookie in _read(pid, "environ").split(b"\0")]


def titled(title: str) -> list[int]:
    return [pid for pid in _all_pids() if _read(pid, "cmdline").rstrip(b"\0").decode(errors="replace") == title]


def folders(base_folder: Path) -> list[str]:
    """The working folders that exist."""
    return sorted(path.name for path in base_folder.iterdir() if path.name != ".lock")


def warden_of(piece: Work) -> int:
    [pid] = titled(f"opsaas: warden {piece.run_id}")
    return pid


def parent(pid: int) -> int:
    return int(_read(pid, "stat").rpartition(b")")[2].split()[1])


def pss_kib(pid: int) -> int:
    lines = _read(pid, "smaps_rollup").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(b"Pss:"))


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
