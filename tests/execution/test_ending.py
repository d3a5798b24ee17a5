"""Whatever the script does, and whoever dies: when a run has ended, no process of it is left."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.domain.ports import OutcomeKind, StopReason
from runbooks.execution.local import LocalExecutor
from runbooks.execution.recipes import HOST
from tests.execution.helpers import (
    HeldLease,
    Running,
    Sink,
    folders,
    parent,
    survivors,
    titled,
    wait_until,
    warden_of,
    work,
)

# Trees that are hard to end. Each says "ready" when it stands.
TREES = {
    "deaf": "trap '' TERM; echo ready; while :; do sleep 1; done",
    "deaf in other sessions": """
        deaf="trap '' TERM HUP; while :; do sleep 1; done"
        for i in 1 2 3; do setsid sh -c "$deaf" & done
        (setsid sh -c "$deaf" &) &
        sleep 0.1; echo ready; trap '' TERM; wait; sleep 60""",
    "stopped": "sh -c 'kill -STOP $$' & sleep 0.1; echo ready; wait",
    "threads": """exec python3 -c '
import threading, subprocess, time
for _ in range(3): threading.Thread(target=lambda: subprocess.run(["setsid", "sleep", "60"])).start()
time.sleep(0.3); print("ready")'""",
    "respawner": """exec perl -e '
use POSIX; $SIG{TERM} = "IGNORE"; $SIG{CHLD} = "IGNORE"; $| = 1; print "ready\\n";
for (1..8) { if (!fork) { while (1) { POSIX::setsid(); exit if fork; } } } sleep 60'""",
    "storm": """exec perl -e '
use POSIX; $SIG{TERM} = "IGNORE"; $| = 1; print "ready\\n"; for (1..5) { fork; POSIX::setsid(); }
while (1) { if (!fork) { sleep 1; exit } select(undef, undef, undef, 0.01) }'""",
}
DAEMON = """exec perl -e '
use POSIX; exit if fork; POSIX::setsid(); if (fork) { exit } $SIG{HUP} = $SIG{TERM} = "IGNORE"; sleep 60'"""


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest) -> str:
    return TREES[request.param]


def test_a_timeout_ends_every_descendant(executor: LocalExecutor, tree: str) -> None:
    run = Running(executor, work(tree, timeout_seconds=0.5))
    outcome = run.outcome()
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert survivors(run.work.run_id) == []


def test_a_cancel_ends_every_descendant(executor: LocalExecutor, tree: str) -> None:
    run = Running(executor, work(tree))
    run.until_it_says("ready")
    run.lease.end(StopReason.CANCELLED)
    outcome = run.outcome()
    assert (outcome.kind, outcome.stop_reason) == (OutcomeKind.STOPPED, StopReason.CANCELLED)
    assert survivors(run.work.run_id) == []


def test_a_lost_lease_gives_no_grace(executor: LocalExecutor) -> None:
    run = Running(executor, work("trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done", grace_seconds=30))
    run.until_it_says("ready")
    run.lease.end(StopReason.LEASE_LOST)
    outcome = run.outcome()
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.STOPPED, 137)
    assert "heard" not in run.sink.text


def test_grace_lets_a_script_clean_up(executor: LocalExecutor) -> None:
    script = "trap 'sleep 0.2; echo cleaned; exit 7' TERM; sh -c 'echo ready; exec sleep 60' & wait"
    run = Running(executor, work(script, grace_seconds=30))
    run.until_it_says("ready")
    run.lease.end(StopReason.CANCELLED)
    outcome = run.outcome()
    assert (outcome.exit_code, run.sink.text) == (7, "ready\ncleaned\n")


def test_a_stopped_script_hears_that_it_has_to_end(executor: LocalExecutor) -> None:
    run = Running(executor, work("trap 'echo cleaned; exit 7' TERM; echo ready; kill -STOP $$", grace_seconds=30))
    run.until_it_says("ready")
    run.lease.end(StopReason.CANCELLED)
    outcome = run.outcome()
    assert (outcome.exit_code, run.sink.text) == (7, "ready\ncleaned\n")


def test_the_timeout_counts_from_the_start_and_is_kept(executor: LocalExecutor) -> None:
    begin = time.monotonic()
    outcome = Running(executor, work("trap '' TERM; sleep 60", timeout_seconds=0.5, grace_seconds=0.2)).outcome()
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert time.monotonic() - begin >= 0.5


def test_what_a_script_leaves_behind_ends_with_it(executor: LocalExecutor) -> None:
    run = Running(executor, work(DAEMON, grace_seconds=120))
    outcome = run.outcome(within=60)  # and not after the time of grace
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.EXITED, 0)
    assert survivors(run.work.run_id) == []


def test_a_script_that_closes_its_output_is_still_watched(executor: LocalExecutor) -> None:
    run = Running(executor, work("exec >&- 2>&-; sleep 0.3; exit 5"))
    assert run.outcome().exit_code == 5


def test_nothing_runs_on_without_renewals(executor: LocalExecutor) -> None:
    run = Running(executor, work("setsid sleep 60 & echo ready; sleep 60"), HeldLease(seconds=0.7))
    outcome = run.outcome()
    assert outcome.kind is OutcomeKind.VANISHED
    assert "paused for longer than its lease" in outcome.detail
    assert survivors(run.work.run_id) == []


def test_nothing_starts_once_its_lease_has_run_out(executor: LocalExecutor, tmp_path: Path) -> None:
    outcome = executor.execute(work=work(f"echo x > {tmp_path}/ran"), sink=Sink(), lease=HeldLease(seconds=-1))
    assert outcome.kind is OutcomeKind.VANISHED
    assert "paused for longer than its lease" in outcome.detail
    assert not (tmp_path / "ran").exists()


def test_renewals_keep_a_script_going(executor: LocalExecutor) -> None:
    run = Running(executor, work("sleep 2; echo through"), HeldLease(seconds=1.5))
    for _ in range(4):
        time.sleep(0.5)
        run.lease.renew(seconds=1.5)
    assert (run.outcome().kind, run.sink.text) == (OutcomeKind.EXITED, "through\n")


def test_outputs_that_could_not_be_read_in_time_are_told_to_be_lost(executor: LocalExecutor) -> None:
    class Slow(Sink):
        def write(self, data: bytes) -> None:
            time.sleep(1.5)
            super().write(data)

    sink = Slow()
    piece = work('echo a=1 > "$OPSAAS_OUTPUT_FILE"; echo first; sleep 0.2; echo last')
    outcome = executor.execute(work=piece, sink=sink, lease=HeldLease(seconds=0.8))
    assert (outcome.kind, sink.text) == (OutcomeKind.EXITED, "first\nlast\n")
    assert (outcome.outputs, "may be lost" in outcome.detail) == ({}, True)


class WorkerProcess:
    """A worker of its own, which a test may kill or pause."""

    def __init__(self, base_folder: Path, recipe: str, run_id: str, lease_seconds: float = 60.0) -> None:
        self.run_id = run_id
        command = [sys.executable, "-m", "tests.execution.worker", str(base_folder), run_id, str(lease_seconds), recipe]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        wait_until(lambda: len(survivors(run_id)) >= 3)

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def worker(shared_executor: LocalExecutor, base_folder: Path, recipe: str) -> Iterator[WorkerProcess]:
    process = WorkerProcess(base_folder, recipe, run_id=os.urandom(8).hex())
    yield process
    process.end()


def test_the_worker_is_an_ancestor_of_the_script(worker: WorkerProcess) -> None:
    [warden] = titled(f"opsaas: warden {worker.run_id}")
    spawner = parent(warden)
    assert spawner in titled("opsaas: spawner")
    assert parent(spawner) == worker.process.pid
    assert any(warden in (parent(pid), parent(parent(pid))) for pid in survivors(worker.run_id))


def test_a_killed_worker_leaves_nothing(worker: WorkerProcess, base_folder: Path) -> None:
    [warden] = titled(f"opsaas: warden {worker.run_id}")
    spawner = parent(warden)
    worker.send(signal.SIGKILL)
    wait_until(lambda: not survivors(worker.run_id) and not titled(f"opsaas: warden {worker.run_id}"))
    wait_until(lambda: spawner not in titled("opsaas: spawner"))
    assert folders(base_folder) == []


def test_a_killed_worker_leaves_nothing_even_under_a_stopped_warden(worker: WorkerProcess, base_folder: Path) -> None:
    [warden] = titled(f"opsaas: warden {worker.run_id}")
    os.kill(warden, signal.SIGSTOP)
    worker.send(signal.SIGKILL)
    wait_until(lambda: not survivors(worker.run_id) and not folders(base_folder))


def test_a_paused_worker_leaves_nothing_past_its_lease(base_folder: Path, recipe: str) -> None:
    worker = WorkerProcess(base_folder, recipe, run_id=os.urandom(8).hex(), lease_seconds=1.0)
    worker.send(signal.SIGSTOP)
    try:
        wait_until(lambda: not survivors(worker.run_id) and not folders(base_folder))
        worker.send(signal.SIGCONT)
        out, _ = worker.process.communicate(timeout=10)
        assert out.decode().startswith("vanished")
    finally:
        worker.end()


def test_a_worker_told_to_stop_leaves_nothing(base_folder: Path, recipe: str) -> None:
    with LocalExecutor(base_folder=base_folder, recipes=(recipe, HOST)) as executor:
        run = Running(executor, work(TREES["deaf in other sessions"]))
        run.until_it_says("ready")
    assert survivors(run.work.run_id) == []
    assert run.outcome().kind is OutcomeKind.VANISHED
    assert folders(base_folder) == []


def test_a_killed_warden_takes_its_script_along(executor: LocalExecutor, base_folder: Path) -> None:
    other = Running(executor, work("sleep 1; echo fine"))
    run = Running(executor, work(TREES["deaf in other sessions"]))
    run.until_it_says("ready")
    os.kill(warden_of(run.work), signal.SIGKILL)
    outcome = run.outcome()
    assert (outcome.kind, survivors(run.work.run_id)) == (OutcomeKind.VANISHED, [])
    assert "stood over the script was killed" in outcome.detail
    assert (other.outcome().kind, other.sink.text) == (OutcomeKind.EXITED, "fine\n")
    assert folders(base_folder) == []


def test_a_killed_spawner_takes_its_scripts_along_and_is_replaced(executor: LocalExecutor, base_folder: Path) -> None:
    run = Running(executor, work(TREES["deaf in other sessions"]))
    run.until_it_says("ready")
    os.kill(parent(warden_of(run.work)), signal.SIGKILL)
    outcome = run.outcome()
    assert (outcome.kind, survivors(run.work.run_id)) == (OutcomeKind.VANISHED, [])
    assert "spawner process of this worker ended" in outcome.detail
    assert folders(base_folder) == []
    sink = Sink()
    assert executor.execute(work=work("echo again"), sink=sink, lease=HeldLease()).exit_code == 0
    assert sink.text == "again\n"


def test_a_script_ends_even_with_spawner_and_warden(base_folder: Path, recipe: str) -> None:
    executor = LocalExecutor(base_folder=base_folder, recipes=(recipe, HOST))
    run = Running(executor, work("echo ready; exec sleep 60"))
    run.until_it_says("ready")
    warden = warden_of(run.work)
    spawner = parent(warden)
    os.kill(spawner, signal.SIGSTOP)
    os.kill(warden, signal.SIGKILL)
    os.kill(spawner, signal.SIGKILL)
    assert run.outcome().kind is OutcomeKind.VANISHED
    wait_until(lambda: not survivors(run.work.run_id))
    executor.stop()


def test_a_paused_warden_is_replaced_by_force(base_folder: Path, recipe: str) -> None:
    with LocalExecutor(base_folder=base_folder, recipes=(recipe, HOST), patience_seconds=0.5) as executor:
        run = Running(executor, work("echo ready; setsid sleep 60", timeout_seconds=1.5, grace_seconds=0.2))
        run.until_it_says("ready")
        os.kill(warden_of(run.work), signal.SIGSTOP)
        outcome = run.outcome()
        assert (outcome.kind, survivors(run.work.run_id)) == (OutcomeKind.VANISHED, [])
        assert folders(base_folder) == []


def test_signals_for_the_whole_service_leave_scripts_to_the_worker(executor: LocalExecutor) -> None:
    run = Running(executor, work("echo ready; sleep 2; echo through"))
    run.until_it_says("ready")
    warden = warden_of(run.work)
    for pid in (warden, parent(warden)):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(pid, number)
    assert (run.outcome().exit_code, run.sink.text) == (0, "ready\nthrough\n")


def test_the_executor_starts_by_itself_and_again_after_a_stop(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    executor = LocalExecutor(base_folder=tmp_path)
    for _ in range(2):
        executor.start()
        assert executor.execute(work=work("exit 4"), sink=Sink(), lease=HeldLease()).exit_code == 4
        executor.stop()
