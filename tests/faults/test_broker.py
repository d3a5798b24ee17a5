"""The embedded broker dies, forgets and comes back; schedulers and workers come in pairs: every run starts once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.execution.helpers import wait_until
from tests.faults.harm import counted, own_database, paused, worker
from tests.installation import HOME, Client, Installation, installation
from tests.vetted import Vetted

pytestmark = pytest.mark.slow
QUEUED = 300
BROKER = "valkey-server"


@pytest.fixture(scope="module")
def system() -> Iterator[Installation]:
    """With a broker of its own, whatever the database: one that may be killed."""
    settings: dict[str, Any] = {"OPSAAS_SWEEP_SECONDS": 1, "OPSAAS_STOP_GRACE_SECONDS": 1, "OPSAAS_DRAIN_SECONDS": 1}
    with own_database() as database, installation(DATABASE_URL=database, OPSAAS_BROKER_URL="", **settings) as running:
        yield running


@pytest.fixture(scope="module")
def project(system: Installation) -> Vetted:
    return Vetted(system)


def broker(system: Installation) -> int:
    wait_until(lambda: any(BROKER in title for title in system.processes().values()), within=30)
    return system.pid_of(BROKER)


@contextmanager
def another(system: Installation, *words: str) -> Iterator[None]:
    """One more process of the installation."""
    environment = system.environment | {"OPSAAS_BROKER_URL": system.broker_url}
    process = subprocess.Popen([sys.executable, *words], cwd=HOME, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def test_a_broker_killed_and_restarted_with_a_full_queue_loses_none_and_repeats_none(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    runbook = project.runbook("restarted", f"echo $OPSAAS_RUN_ID >> {starts}")
    with paused(worker(system), of=system):
        run_ids = [runner.start(runbook) for _ in range(50)]
        os.kill(broker(system), signal.SIGKILL)
        time.sleep(1)
        broker(system)
    assert {runner.finished(run_id, every=0.2)["status"] for run_id in run_ids} == {"succeeded"}
    assert sorted(starts.read_text().split()) == sorted(run_ids)


def test_a_broker_killed_under_running_scripts_does_not_disturb_them_and_the_worker_hears_again(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("under", f"echo x >> {starts}; sleep 4; echo whole"))
    wait_until(lambda: counted(starts))
    before = worker(system)
    os.kill(broker(system), signal.SIGKILL)
    after = runner.start(project.runbook("right-after", f"echo y >> {starts}"))
    assert runner.finished(run_id)["status"] == "succeeded"
    assert runner.raw("GET", f"/runs/{run_id}/log")[1] == b"whole\n"
    assert runner.finished(after)["status"] == "succeeded"
    assert sorted(starts.read_text().split()) == ["x", "y"]
    assert worker(system) == before


def test_a_broker_that_comes_back_without_its_memory_is_told_again(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    runbook = project.runbook("forgot", f"echo $OPSAAS_RUN_ID >> {starts}")
    with paused(worker(system), of=system):
        run_ids = [runner.start(runbook) for _ in range(50)]
        redis.Redis.from_url(system.redis_url).flushall()
        os.kill(broker(system), signal.SIGKILL)
    assert {runner.finished(run_id, every=0.2)["status"] for run_id in run_ids} == {"succeeded"}
    assert sorted(starts.read_text().split()) == sorted(run_ids)


def test_two_schedulers_and_two_workers_drain_a_long_queue_and_start_each_run_once(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    runbook = project.runbook("pairs", f"echo $OPSAAS_RUN_ID >> {starts}")
    celery = ["-m", "celery", "-A", "opsaas.celery", "worker", "--pool=threads", "--concurrency=20", "-n", "second@%h"]
    with paused(worker(system), of=system):
        run_ids = [runner.start(runbook) for _ in range(QUEUED)]
        time.sleep(3)  # for the sweepers: by now each hint has been sent more than once
    with another(system, "manage.py", "scheduler"), another(system, *celery):
        assert {runner.finished(run_id, every=0.5)["status"] for run_id in run_ids} == {"succeeded"}
    assert sorted(starts.read_text().split()) == sorted(run_ids)
