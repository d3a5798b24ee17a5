"""A worker that is told to stop: it takes nothing new, lets scripts end, and says so of those that it stopped."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.execution.helpers import survivors, wait_until
from tests.faults.harm import counted, worker
from tests.installation import Client, Installation
from tests.vetted import Vetted

pytestmark = pytest.mark.slow


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}/exe").exists()  # which one that has ended and is not yet reaped has no more


def test_a_script_that_ends_within_the_drain_time_ends_as_ever(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("drained", f"echo x >> {starts}; sleep 1; echo all of it"))
    wait_until(lambda: counted(starts))
    os.kill(worker(system), signal.SIGTERM)
    assert runner.finished(run_id)["status"] == "succeeded"
    assert runner.raw("GET", f"/runs/{run_id}/log")[1] == b"all of it\n"
    assert counted(starts) == 1


def test_a_script_that_takes_longer_is_stopped_and_told_as_lost_with_the_reason(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("undrained", f"echo x >> {starts}; setsid sleep 60 & sleep 60"))
    wait_until(lambda: counted(starts))
    os.kill(worker(system), signal.SIGTERM)
    run = runner.finished(run_id)
    assert run["status"] == "lost"
    assert "worker was told to stop" in run["status_detail"]
    assert survivors(run_id) == []
    assert counted(starts) == 1


def test_a_worker_that_stops_takes_nothing_new_and_the_next_one_takes_it_once(
    system: Installation, project: Vetted, runner: Client, starts: Path, tmp_path: Path
) -> None:
    long = runner.start(project.runbook("last", f"echo x >> {tmp_path}/last; sleep 60"))
    wait_until(lambda: counted(tmp_path / "last"))
    old = worker(system)
    os.kill(old, signal.SIGTERM)
    runbook = project.runbook("next", f"echo x >> {starts}")
    waiting = [runner.start(runbook) for _ in range(5)]
    while not gone(old):
        assert counted(starts) == 0
        time.sleep(0.02)
    assert {runner.finished(run_id)["status"] for run_id in waiting} == {"succeeded"}
    assert runner.finished(long)["status"] == "lost"
    assert counted(starts) == 5
