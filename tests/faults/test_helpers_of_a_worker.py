"""Harm done to the processes beside a worker: the spawner, the wardens, and the moment before a script starts."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.execution.helpers import survivors, titled, wait_until
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.harm import counted, paused, worker
from tests.installation import Client, Installation
from tests.vetted import Vetted

pytestmark = pytest.mark.slow
TWO_LEASES = 2 * LEASE_SECONDS + 4
SPAWNER = "opsaas: spawner"


def test_a_killed_spawner_leaves_a_lost_run_with_the_reason_and_the_worker_goes_on(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("spawner", f"echo x >> {starts}; setsid sleep 60 & sleep 60"))
    wait_until(lambda: counted(starts))
    before = worker(system)
    os.kill(system.pid_of(SPAWNER), signal.SIGKILL)
    run = runner.finished(run_id, seconds=TWO_LEASES)
    assert run["status"] == "lost"
    assert "spawner" in run["status_detail"]
    assert survivors(run_id) == []
    assert counted(starts) == 1
    assert runner.finished(runner.start(project.runbook("after-spawner", "true")))["status"] == "succeeded"
    assert worker(system) == before


def test_a_killed_warden_leaves_a_lost_run_with_the_reason_and_no_process(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("warden", f"echo x >> {starts}; setsid sleep 60 & sleep 60"))
    wait_until(lambda: counted(starts))
    [warden] = titled(f"opsaas: warden {run_id}")
    os.kill(warden, signal.SIGKILL)
    run = runner.finished(run_id, seconds=TWO_LEASES)
    assert run["status"] == "lost"
    assert "stood over the script" in run["status_detail"]
    assert survivors(run_id) == []
    assert counted(starts) == 1


def test_a_worker_killed_between_claim_and_spawn_leaves_a_lost_run_whose_script_never_starts(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    runner.finished(runner.start(project.runbook("warm", "true")))
    runbook = project.runbook("gap", f"echo x >> {starts}")
    with paused(system.pid_of(SPAWNER), of=system):
        run_id = runner.start(runbook)
        runner.until({"running"}, run_id)
        time.sleep(0.3)  # for the request, which lies with the spawner now
        os.kill(worker(system), signal.SIGKILL)
        assert runner.finished(run_id, seconds=TWO_LEASES)["status"] == "lost"
        assert counted(starts) == 0
    time.sleep(1)
    assert counted(starts) == 0
    assert survivors(run_id) == []
    assert runner("GET", f"/runs/{run_id}")["status"] == "lost"


def test_a_worker_paused_for_less_than_its_lease_goes_on_as_if_nothing_had_been(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    script = f"echo x >> {starts}; for i in 1 2 3; do echo $i; sleep 1; done"
    run_id = runner.start(project.runbook("short-pause", script))
    wait_until(lambda: counted(starts))
    with paused(worker(system), of=system):
        time.sleep(LEASE_SECONDS / 4)
    assert runner.finished(run_id)["status"] == "succeeded"
    assert runner.raw("GET", f"/runs/{run_id}/log")[1] == b"1\n2\n3\n"
    assert counted(starts) == 1
