"""A node that lies: it may spoil its own outcome, and nothing else. No slot is held for ever, no memory is filled, and
a timeout and a cancel always end the attempt."""

import resource
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runbooks.domain.ports import Outcome, OutcomeKind, StopReason
from runbooks.execution.ssh.attempt import Patience
from runbooks.execution.ssh.executor import SshExecutor
from runbooks.execution.ssh.speech import Speech
from tests.execution.helpers import HeldLease, Running, Sink, wait_until, work
from tests.execution.ssh_servers import Server

BEGINNING = """
import sys, time
inp, err = sys.stdin.buffer, sys.stderr.buffer
inp.read(int(sys.argv[1].split()[-1]))
token = inp.readline().strip()
def say(*words):
    err.write(token + b" " + " ".join(map(str, words)).encode() + b"\\n")
    err.flush()
def greet():
    sys.stdout.buffer.write(token + b"\\n")
    sys.stdout.flush()
    say("hello", 1000, "/tmp/x")
"""
LIES = {
    "it renews for ever and never runs anything": """
greet()
while True:
    say("renewed", 10**14); time.sleep(0.05)""",
    "it says for ever that it is about to run": """
greet()
while True:
    say("running"); say("renewed", 10**14); time.sleep(0.05)""",
    "it talks without end": """
greet(); say("running")
while True:
    err.write(b"x" * 60000 + b"\\n" * 100)""",
    "it ends again and again": """
greet(); say("running")
while True:
    say("ended", "exited", 0); time.sleep(0.05)""",
    "it offers artifacts without end": """
greet(); say("running"); say("ended", "exited", 0)
while True:
    say("file", "name", 1); err.write(b"a"); say("artifact", 10); time.sleep(0.02)""",
    "it gives an artifact drop by drop": """
greet(); say("running"); say("ended", "exited", 0)
say("file", "name", 1); err.write(b"a"); say("artifact", 10**6)
while True:
    err.write(b"x"); err.flush(); time.sleep(0.02)""",
    "its clock is no number": 'sys.stdout.buffer.write(token + b"\\n"); say("hello", "9" * 5000, "/x"); time.sleep(9)',
    "its deadline is no number": 'greet(); say("renewed", "1e999"); time.sleep(9)',
    "it ends with no code": 'greet(); say("running"); say("ended", "exited", "yes"); say("removed")',
    "it ends with a code that no process has": 'greet(); say("running"); say("ended", "exited", 10**30)',
    "it ends without a word": 'greet(); say("running"); say("ended")',
    "it greets twice": "greet(); greet(); time.sleep(9)",
}


@pytest.fixture
def executor() -> Iterator[SshExecutor]:
    with SshExecutor(patience=Patience(start=0.5, report=0.5, silence=0.5, hand_over=1.0)) as running:
        yield running


def liar(tmp_path: Path, lie: str) -> Server:
    program = tmp_path / "liar.py"
    program.write_text(BEGINNING + lie)
    return Server(login_shell=(sys.executable, str(program)))


class Shelf:
    def keep(self, *, name: str, size: int, pieces: Iterator[bytes]) -> str:
        for _ in pieces:
            pass
        return ""


@pytest.mark.parametrize("lie", LIES)
def test_whatever_a_node_says_an_attempt_comes_to_an_end(executor: SshExecutor, tmp_path: Path, lie: str) -> None:
    with liar(tmp_path, LIES[lie]) as server:
        piece = work("true", target=server.target, timeout_seconds=0.5, artifacts=Shelf())
        outcome = Running(executor, piece).outcome(within=30)
    assert isinstance(outcome, Outcome)
    assert len(outcome.detail) < 10_000
    assert outcome.exit_code is None or 0 <= outcome.exit_code < 1000


@pytest.mark.parametrize("lie", ["it gives an artifact drop by drop", "it offers artifacts without end"])
def test_a_cancel_ends_the_handing_over_of_artifacts(tmp_path: Path, lie: str) -> None:
    """With a patience that no test would wait for."""
    patience = Patience(start=30, report=30, silence=30, hand_over=3600)
    lease, seen = HeldLease(seconds=3600), []

    class Noticing(Shelf):
        def keep(self, *, name: str, size: int, pieces: Iterator[bytes]) -> str:
            seen.append(name)
            return super().keep(name=name, size=size, pieces=pieces)

    with liar(tmp_path, LIES[lie]) as server, SshExecutor(patience=patience) as executor:
        running = Running(executor, work("true", target=server.target, artifacts=Noticing()), lease)
        wait_until(lambda: seen)
        lease.end(StopReason.CANCELLED)
        if "without end" in lie:
            server.cut()  # each of them is whole, and soon over
        assert running.outcome(within=20).kind is not OutcomeKind.NOT_STARTED


def test_what_a_node_says_of_itself_is_short(executor: SshExecutor, tmp_path: Path) -> None:
    lie = 'greet(); say("running"); say("ended", "exited", 0); say("not_removed", "x" * 10**6 + chr(0))'
    with liar(tmp_path, lie) as server:
        piece = work("true", target=server.target)
        outcome = executor.execute(work=piece, sink=Sink(), lease=HeldLease())
    assert "could not be removed" in outcome.detail
    assert len(outcome.detail) < 10_000
    assert "\0" not in outcome.detail


def test_files_that_nobody_asked_for_fill_no_memory() -> None:
    speech, before = Speech(token=b"t"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(100):
        speech.hear(b"t file evil%d 2097152\n" % number + bytes(2 << 20))
    assert speech.files == {}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    speech.hear(b"t file output 3\na=1t odd output\n")
    assert speech.files == {"output": b"a=1"}


def test_a_target_is_told_apart_from_another_that_shows_its_key(executor: SshExecutor) -> None:
    """A node's own machine cut off, another in its place: pinned keys are the only thing that is believed."""
    with Server() as mine, Server() as other:
        swapped = replace(mine.target, port=other.port)
        outcome = executor.execute(work=work("echo x", target=swapped), sink=Sink(), lease=HeldLease())
    assert outcome.kind is OutcomeKind.NOT_STARTED
    assert outcome.host_key is not None
