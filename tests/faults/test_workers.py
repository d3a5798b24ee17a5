"""Harm done to workers, messages and the broker: a run starts once or not at all, and nothing lost is hidden."""

import os
import signal
import time
from pathlib import Path

import pytest
import redis

from tests.execution.helpers import survivors
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.harm import counted, paused, send_hint, worker
from tests.installation import Client, Installation
from tests.vetted import Vetted

pytestmark = pytest.mark.slow
TWO_LEASES = 2 * LEASE_SECONDS + 4


def test_a_killed_worker_leaves_a_lost_run_and_no_process(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("killed", f"echo x >> {starts}; sleep 60 & setsid sleep 60"))
    runner.until({"running"}, run_id)
    while len(survivors(run_id)) < 3:
        time.sleep(0.05)
    os.kill(worker(system), signal.SIGKILL)
    run = runner.finished(run_id, seconds=TWO_LEASES)
    assert run["status"] == "lost"
    assert "not known" in run["status_detail"]
    assert survivors(run_id) == []
    assert counted(starts) == 1
    after = runner.start(project.runbook("after", "echo again"))
    assert runner.finished(after)["status"] == "succeeded"


def test_a_worker_paused_past_its_lease_kills_its_script_before_anybody_writes_it_off(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    script = f"echo x >> {starts}; echo before; sleep 60; echo after"
    run_id = runner.start(project.runbook("paused", script))
    runner.until({"running"}, run_id)
    while not survivors(run_id):
        time.sleep(0.05)
    with paused(worker(system), of=system):
        while survivors(run_id):
            assert runner("GET", f"/runs/{run_id}")["status"] == "running"
            time.sleep(0.05)
        assert runner.finished(run_id, seconds=TWO_LEASES)["status"] == "lost"
    time.sleep(2)
    assert runner("GET", f"/runs/{run_id}")["status"] == "lost"
    assert b"after" not in runner.raw("GET", f"/runs/{run_id}/log")[1]
    assert counted(starts) == 1


def test_a_message_delivered_fifty_times_starts_once(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("fifty", f"echo x >> {starts}; sleep 1"))
    step_run_id = runner("GET", f"/runs/{run_id}/steps")["results"][0]["id"]
    send_hint(system, step_run_id, times=50)
    assert runner.finished(run_id)["status"] == "succeeded"
    send_hint(system, step_run_id, times=50)
    time.sleep(1)
    assert counted(starts) == 1


def test_a_broker_flushed_with_a_hundred_queued_loses_none_and_repeats_none(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    runbook = project.runbook("flushed", f"echo $OPSAAS_RUN_ID >> {starts}")
    with paused(worker(system), of=system):
        run_ids = [runner.start(runbook) for _ in range(100)]
        redis.Redis.from_url(system.redis_url).flushdb()
    assert {runner.finished(run_id, every=0.2)["status"] for run_id in run_ids} == {"succeeded"}
    assert sorted(starts.read_text().split()) == sorted(run_ids)


def test_a_run_cancelled_while_every_worker_is_away_never_starts(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    with paused(worker(system), of=system):
        run_id = runner.start(project.runbook("cancelled", f"echo x >> {starts}"))
        runner("POST", f"/runs/{run_id}/cancel", {})
        assert runner("GET", f"/runs/{run_id}")["status"] == "cancelled"
    time.sleep(3)
    assert runner("GET", f"/runs/{run_id}")["status"] == "cancelled"
    assert counted(starts) == 0


def test_a_click_while_the_broker_is_away_is_queued_and_runs_once_it_is_back(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    if "OPSAAS_BROKER_URL" in system.environment:
        pytest.skip("this Redis is not ours to stop")
    runbook = project.runbook("no-broker", f"echo x >> {starts}")
    with paused(system.pid_of("valkey-server"), of=system):
        run_id = runner.start(runbook)
        assert runner("GET", f"/runs/{run_id}")["status"] == "queued"
    assert runner.finished(run_id)["status"] == "succeeded"
    assert counted(starts) == 1


def test_a_web_process_killed_after_the_click_changes_nothing_for_the_run(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("web-killed", f"echo x >> {starts}; sleep 2"))
    os.kill(system.pid_of("uvicorn"), signal.SIGKILL)
    assert system.client("runner").finished(run_id)["status"] == "succeeded"
    assert counted(starts) == 1
