"""The supervisor as a process of its own, with small children of the tests' making."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbooks.management.embedded import address
from runbooks.management.embedded.children import Child, Plan

ROOT = Path(__file__).resolve().parents[3]
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
WEB = """
import socket, sys
listening = socket.socket(fileno=int(sys.argv[1]))
while True:
    caller, _ = listening.accept()
    caller.recv(4096)
    caller.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
    caller.close()
"""


def child(name: str, code: str, *arguments: str, keeps: list[int] | None = None, stops_last: bool = False) -> Child:
    return Child(name=name, command=[sys.executable, "-c", code, *arguments], keeps=keeps or [], stops_last=stops_last)


def state_and_parent(pid: int) -> tuple[str, int]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "Z", 0
    return fields[0], int(fields[1])


def gone(pid: int) -> bool:
    return state_and_parent(pid)[0] == "Z"


class Supervised:
    """A running supervisor, its lines so far, and its children."""

    def __init__(self, plan: Plan, keeps: tuple[int, ...], log: Path) -> None:
        reading, writing = os.pipe()
        os.write(writing, plan.dump())
        os.close(writing)
        command = [sys.executable, "-m", "runbooks.management.embedded.supervisor", str(reading)]
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, pass_fds=(reading, *keeps))
        os.close(reading)

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def until(self, true: Callable[[], object], seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.lines()
            time.sleep(0.02)

    def until_said(self, text: str, times: int = 1) -> None:
        self.until(lambda: sum(text in line for line in self.lines()) >= times)

    def children(self) -> dict[int, str]:
        """By pid, with the code that they run: those that are not only waiting to be buried."""
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        own = [pid for pid in pids if state_and_parent(pid)[1] == self.process.pid and not gone(pid)]
        return {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in own}


Start = Callable[..., Supervised]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Supervised] = []
    listening = address.listen(0)
    port = listening.getsockname()[1]

    def begin(*children: Child) -> Supervised:
        web = child("web", WEB, str(listening.fileno()), keeps=[listening.fileno()])
        plan = Plan(children=[web, *children], probe=(address.HOST, port), greeting="ready at last", patience=10)
        started.append(Supervised(plan, (listening.fileno(),), tmp_path / "log"))
        return started[-1]

    yield begin
    listening.close()
    for supervised in started:
        supervised.process.kill()
        supervised.process.wait(10)


def test_it_greets_once_the_web_answers(start: Start) -> None:
    supervised = start(child("worker", SLEEPER))
    supervised.until_said("ready at last")
    supervised.until_said("worker    | up")


@pytest.mark.parametrize("victim", ["web", "worker"])
def test_a_killed_child_is_started_again(start: Start, victim: str) -> None:
    supervised = start(child("worker", SLEEPER))
    supervised.until_said("worker    | up")
    supervised.until_said("ready at last")
    mark = "accept" if victim == "web" else "'up'"
    (pid,) = [pid for pid, command in supervised.children().items() if mark in command]
    os.kill(pid, signal.SIGKILL)
    supervised.until_said(f"{victim} was killed by signal 9 (SIGKILL); starting it again in 0.5 s")
    supervised.until(lambda: any(mark in command for command in supervised.children().values()))
    assert pid not in supervised.children()


def test_a_child_that_keeps_failing_is_started_at_growing_intervals(start: Start) -> None:
    supervised = start(child("worker", "raise SystemExit(3)"))
    for pause in ("0.5", "1", "2"):
        supervised.until_said(f"worker ended with exit code 3; starting it again in {pause} s")


def test_a_command_that_does_not_exist_is_told(start: Start) -> None:
    supervised = start(Child(name="worker", command=["/nowhere/celery"], keeps=[]))
    supervised.until_said("worker    | /nowhere/celery can't be started: No such file or directory.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_everything_when_asked(start: Start, number: signal.Signals) -> None:
    supervised = start(child("worker", SLEEPER))
    supervised.until_said("ready at last")
    pids = list(supervised.children())
    supervised.process.send_signal(number)
    assert supervised.process.wait(10) == 0
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_what_others_lean_on_stops_last(start: Start, tmp_path: Path) -> None:
    notes = tmp_path / "order"
    code = """
import signal, sys, time
def end(*_):
    time.sleep(float(sys.argv[2])); open(sys.argv[3], "a").write(sys.argv[1] + " "); sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
while True: time.sleep(1)
"""
    supervised = start(
        child("broker", code, "broker", "0", str(notes), stops_last=True),
        child("worker", code, "worker", "0.3", str(notes)),
    )
    supervised.until_said("| up", times=2)
    supervised.process.terminate()
    supervised.process.wait(10)
    assert notes.read_text() == "worker broker "


def test_a_second_request_ends_the_patience_with_a_child_that_ignores_the_first(start: Start) -> None:
    supervised = start(child("worker", STUBBORN))
    supervised.until_said("worker    | up")
    supervised.process.terminate()
    supervised.until_said("stopping")
    supervised.process.terminate()
    assert supervised.process.wait(5) == 0
    supervised.until_said("worker did not stop in time and is killed")


def test_no_child_outlives_a_killed_parent(start: Start) -> None:
    supervised = start(child("worker", STUBBORN))
    supervised.until_said("worker    | up")
    pids = list(supervised.children())
    supervised.process.kill()
    supervised.process.wait(10)
    assert len(pids) == 2
    supervised.until(lambda: all(gone(pid) for pid in pids), seconds=3)


def test_children_inherit_no_descriptor_that_is_not_theirs(start: Start) -> None:
    supervised = start(child("worker", "import os; print(sorted(os.listdir('/proc/self/fd')), flush=True); " + SLEEPER))
    supervised.until_said("worker    | ['0', '1', '2', '3']")  # 3 is the listing itself
