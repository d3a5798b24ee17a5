"""The parent of an embedded installation: starts its children, starts again what dies, stops them all.

`up` turns into this program once all is prepared. It uses the standard library alone, so that it stays small.
"""

import http.client
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from enum import Enum, auto
from pathlib import Path
from types import FrameType

from runbooks.management.embedded import tether
from runbooks.management.embedded.children import Child, Plan
from runbooks.management.embedded.speaker import Speaker, standard_output

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 30.0  # who lived this long has recovered: the next pause is the first again
STOP_LAST_SECONDS = 3.0


class Event(Enum):
    CHILD_ENDED = auto()
    STOP = auto()
    READY = auto()


class Kept:
    """A child with its process, if one runs now, or the time at which the next one is due."""

    def __init__(self, child: Child, speaker: Speaker) -> None:
        self.child = child
        self.due = 0.0
        self._speaker = speaker
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = FIRST_PAUSE_SECONDS

    @property
    def waits(self) -> bool:
        """For its next start."""
        return self._process is None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Tethered to this process, and in a session of its own: Ctrl-C at the terminal reaches only the parent."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *self.child.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self.child.keeps,
            start_new_session=True,
        )
        self._started = time.monotonic()
        assert self._process.stdout is not None
        self._speaker.follow(self.child.name, self._process.stdout)

    def notice_end(self) -> None:
        """Says that the process has ended and when the next one is due."""
        if self._process is None or self.runs:
            return
        now = time.monotonic()
        if now - self._started >= STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        ending = how_it_ended(self._process.returncode)
        self._speaker.say(f"{self.child.name} {ending}; starting it again in {self._pause:g} s")
        self._process = None
        self.due = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """To the process; KILL to all of its group."""
        if self._process is None or not self.runs:
            return
        if number is signal.SIGKILL:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)


class Supervisor:
    def __init__(self, plan: Plan, speaker: Speaker) -> None:
        self._plan = plan
        self._speaker = speaker
        self._kept = [Kept(child, speaker) for child in plan.children]
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def run(self) -> None:
        """Until somebody asks it to stop."""
        self._listen_to_signals()
        threading.Thread(target=self._await_readiness, daemon=True, name="readiness").start()
        stopping = False
        while not stopping:
            self._start_what_is_due()
            event = self._next_event(until=min((kept.due for kept in self._kept if kept.waits), default=None))
            if event is Event.READY:
                self._speaker.say(self._plan.greeting)
            stopping = event is Event.STOP
            if not stopping:
                for kept in self._kept:
                    kept.notice_end()
        self._speaker.say("stopping …")
        self._stop([kept for kept in self._kept if not kept.child.stops_last], seconds=self._plan.patience)
        self._stop([kept for kept in self._kept if kept.child.stops_last], seconds=STOP_LAST_SECONDS)
        self._speaker.say("stopped.")

    def _start_what_is_due(self) -> None:
        for kept in self._kept:
            if kept.waits and kept.due <= time.monotonic():
                kept.start()

    def _stop(self, group: list[Kept], *, seconds: float) -> None:
        """Asks, waits, then kills. A second request to stop ends the patience."""
        for kept in group:
            kept.send(signal.SIGTERM)
        end = time.monotonic() + seconds
        while any(kept.runs for kept in group) and time.monotonic() < end:
            if self._next_event(until=end) is Event.STOP:
                break
        for kept in group:
            if kept.runs:
                self._speaker.say(f"{kept.child.name} did not stop in time and is killed")
                kept.send(signal.SIGKILL)

    def _next_event(self, *, until: float | None) -> Event | None:
        timeout = None if until is None else max(0.0, until - time.monotonic())
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None

    def _listen_to_signals(self) -> None:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self._events.put(Event.STOP)

        def child_ended(_number: int, _frame: FrameType | None) -> None:
            self._events.put(Event.CHILD_ENDED)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        signal.signal(signal.SIGCHLD, child_ended)

    def _await_readiness(self) -> None:
        while not answers_ready(self._plan.probe):
            time.sleep(0.1)
        self._events.put(Event.READY)


def answers_ready(address: tuple[str, int]) -> bool:
    """Whether GET /readyz answers 200 there."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def how_it_ended(code: int) -> str:
    if code < 0:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"


def main() -> None:
    descriptor = int(sys.argv[1])
    with os.fdopen(descriptor, "rb") as file:
        plan = Plan.load(file.read())
    speaker = standard_output()
    Supervisor(plan, speaker).run()
    speaker.close(seconds=2)


def become(plan: Plan, *, environment: dict[str, str], home: Path) -> None:
    """Replaces this process, whatever it is, by the supervisor of PLAN. Does not return."""
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    os.write(writing, plan.dump())
    os.close(writing)
    os.chdir(home)
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-m", "runbooks.management.embedded.supervisor", str(reading)]
    os.execve(sys.executable, command, environment)


if __name__ == "__main__":
    main()
