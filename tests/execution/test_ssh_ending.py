"""Whatever the script does, and whoever is cut off: when a run has ended, no process of it is left on the node."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from runbooks.domain.ports import OutcomeKind, StopReason
from runbooks.execution.ssh.attempt import Patience
from runbooks.execution.ssh.executor import SshExecutor
from tests.execution.helpers import HeldLease, Sink, survivors, wait_until
from tests.execution.ssh_fixtures import Node, node, server, shared_node
from tests.execution.ssh_servers import Server
from tests.execution.test_ending import DAEMON, TREES

__all__ = ["node", "server", "shared_node"]

# Those that a plain shell can find: what moves from process to process all the time, it can only report.
FINDABLE = [name for name in TREES if name not in {"respawner", "storm"}]
HIDDEN = {
    "without its cookie": "env -i setsid sleep 60 & sleep 0.2; echo ready; wait",
    "by its session": "setsid env -i sh -c 'setsid sleep 60 & sleep 60' & sleep 0.3; echo ready; wait",
    "without parent, session and cookie": "(setsid env -i sh -c 'cd /; exec sleep 60 >/dev/null 2>&1' &); sleep 0.3; "
    "echo ready; sleep 60",
    "a daemon": """python3 -c '
import os, sys
if os.fork(): sys.exit()
os.setsid()
if os.fork(): sys.exit()
os.chdir("/"); os.closerange(0, 1000)
os.execve("/bin/sleep", ["sleep", "60"], {})
' & sleep 0.5; echo ready; sleep 60""",
    "an orphan in the group": "(env -i sleep 60 &) ; sleep 0.2; echo ready; sleep 60",
}


@pytest.fixture(params=FINDABLE)
def tree(request: pytest.FixtureRequest) -> str:
    return TREES[request.param]


def sleepers(word: str) -> list[int]:
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                found.append(int(pid))
    return found


def test_a_timeout_ends_every_descendant(node: Node, tree: str) -> None:
    run = node.start(tree, timeout_seconds=0.5)
    assert run.outcome(within=20).kind is OutcomeKind.TIMED_OUT
    assert survivors(run.work.run_id) == []


def test_a_cancel_ends_every_descendant(node: Node, tree: str) -> None:
    run = node.start(tree)
    run.until_it_says("ready")
    run.lease.end(StopReason.CANCELLED)
    outcome = run.outcome(within=20)
    assert (outcome.kind, outcome.stop_reason) == (OutcomeKind.STOPPED, StopReason.CANCELLED)
    assert survivors(run.work.run_id) == []


@pytest.mark.parametrize("script", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_cancel_finds_what_has_no_cookie(node: Node, script: str) -> None:
    seconds = f"60.{os.getpid()}{time.monotonic_ns() % 10**9}"
    run = node.start(script.replace("sleep 60", f"sleep {seconds}").replace('"60"', f'"{seconds}"'))
    run.until_it_says("ready")
    assert sleepers(seconds)
    run.lease.end(StopReason.CANCELLED)
    assert run.outcome(within=20).kind is OutcomeKind.STOPPED
    assert sleepers(seconds) == []


def test_a_lost_lease_gives_no_grace(node: Node) -> None:
    run = node.start("trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done", grace_seconds=30)
    run.until_it_says("ready")
    run.lease.end(StopReason.LEASE_LOST)
    outcome = run.outcome()
    assert (outcome.kind, outcome.stop_reason, outcome.exit_code) == (OutcomeKind.STOPPED, StopReason.LEASE_LOST, 137)
    assert "heard" not in run.sink.text


@pytest.mark.parametrize("last", ["wait", "kill -STOP $$"])
def test_grace_lets_a_script_clean_up(node: Node, last: str) -> None:
    script = f"trap 'sleep 0.2; echo cleaned; exit 7' TERM; sh -c 'echo ready; exec sleep 60' & {last}"
    run = node.start(script, grace_seconds=30)
    run.until_it_says("ready")
    run.lease.end(StopReason.CANCELLED)
    outcome = run.outcome()
    assert (outcome.exit_code, run.sink.text) == (7, "ready\ncleaned\n")


def test_the_timeout_counts_from_the_start_and_is_kept(node: Node) -> None:
    begin = time.monotonic()
    outcome = node.start("trap '' TERM; sleep 60", timeout_seconds=0.5, grace_seconds=0.2).outcome()
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.TIMED_OUT, 137)
    assert time.monotonic() - begin >= 0.5


def test_what_a_script_leaves_behind_ends_with_it(node: Node) -> None:
    run = node.start(DAEMON, grace_seconds=120)
    outcome = run.outcome(within=60)  # and not after the time of grace
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.EXITED, 0)
    assert survivors(run.work.run_id) == []


def test_nothing_of_a_run_is_left_when_its_outcome_is_there(node: Node) -> None:
    for _ in range(5):
        run = node.start("sleep 60 & setsid sleep 60 & exit 0")
        assert run.outcome().exit_code == 0
        assert (survivors(run.work.run_id), node.left()) == ([], [])


def test_a_script_that_closes_its_output_is_still_watched(node: Node) -> None:
    assert node.start("exec >&- 2>&-; sleep 0.3; exit 5").outcome().exit_code == 5


def test_nothing_runs_on_without_renewals(node: Node) -> None:
    run = node.start("setsid sleep 60 & echo ready; sleep 60", lease=HeldLease(seconds=1.5))
    outcome = run.outcome()
    assert outcome.kind is OutcomeKind.VANISHED
    assert "No renewal reached web1" in outcome.detail
    assert survivors(run.work.run_id) == []


def test_renewals_keep_a_script_going(node: Node) -> None:
    run = node.start("sleep 3; echo through", lease=HeldLease(seconds=1.5))
    for _ in range(8):
        time.sleep(0.4)
        run.lease.renew(seconds=1.5)
    assert (run.outcome().kind, run.sink.text) == (OutcomeKind.EXITED, "through\n")


def test_a_cut_link_is_never_a_success_and_leaves_nothing(node: Node, server: Server, tree: str) -> None:
    run = node.start(tree)
    run.until_it_says("ready")
    server.cut()
    outcome = run.outcome(within=20)
    assert outcome.kind is OutcomeKind.VANISHED
    assert "connection to web1 ended without a word" in outcome.detail
    node.until_clean(run.work.run_id)


def test_a_run_after_a_cut_link_opens_a_new_connection(node: Node, server: Server) -> None:
    before = server.accepted
    server.cut()
    outcome, sink = node.run("echo again")
    assert (outcome.exit_code, sink.text, server.accepted) == (0, "again\n", before + 1)


def test_a_killed_wrapper_takes_its_script_along(node: Node) -> None:
    run = node.start("setsid sleep 60 & echo ready; kill -9 $PPID; sleep 60", lease=HeldLease(seconds=2))
    run.until_it_says("ready")
    while survivors(run.work.run_id):
        run.lease.renew(seconds=2)
        time.sleep(0.3)
    outcome = run.outcome()
    assert outcome.kind is OutcomeKind.VANISHED
    assert "web1 was killed" in outcome.detail
    node.until_clean(run.work.run_id)


def test_a_killed_supervisor_is_never_a_success(node: Node) -> None:
    others = "$(cat /proc/$PPID/task/$PPID/children)"
    run = node.start(f"for p in {others}; do [ $p = $$ ] || kill -9 $p; done; sleep 60 & exit 0")
    assert run.outcome(within=20).kind is OutcomeKind.VANISHED
    node.until_clean(run.work.run_id)


def test_a_node_that_falls_silent_is_given_up(server: Server, shared_node: Node) -> None:
    places = (str(shared_node.folder),)
    with SshExecutor(places=places, patience=Patience(silence=0.5)) as executor:
        node = Node(executor, server.target, shared_node.folder)
        run = node.start("echo $PPID; sleep 60", lease=HeldLease(seconds=2.0))
        wait_until(lambda: "\n" in run.sink.text)
        frozen = stop_all_of(int(run.sink.text))
        try:
            outcome = run.outcome()
            assert outcome.kind is OutcomeKind.VANISHED
            assert "does not answer any more" in outcome.detail
        finally:
            for pid in frozen:
                with suppress(ProcessLookupError):  # some have ended by themselves
                    os.kill(pid, signal.SIGCONT)
        node.until_clean(run.work.run_id)


def stop_all_of(wrapper: int) -> list[int]:
    """Freezes a wrapper and its helpers, as a node that swaps itself to death."""
    children = [int(pid) for pid in Path(f"/proc/{wrapper}/task/{wrapper}/children").read_text().split()]
    for pid in (wrapper, *children):
        os.kill(pid, signal.SIGSTOP)
    return [wrapper, *children]


def test_nothing_starts_under_a_stopped_lease(node: Node) -> None:
    lease = HeldLease()
    lease.end(StopReason.CANCELLED)
    outcome = node.executor.execute(work=node.work("echo ran"), sink=Sink(), lease=lease)
    assert (outcome.kind, outcome.stop_reason) == (OutcomeKind.STOPPED, StopReason.CANCELLED)


def test_a_slow_sink_slows_the_script_down_and_loses_nothing(node: Node) -> None:
    class Slow(Sink):
        def write(self, data: bytes) -> None:
            time.sleep(0.002)
            super().write(data)

    sink = Slow()
    piece = node.work("head -c 8000000 /dev/zero; echo end")
    outcome = node.executor.execute(work=piece, sink=sink, lease=HeldLease())
    assert (outcome.exit_code, len(sink.data), sink.data.endswith(b"end\n")) == (0, 8_000_004, True)
