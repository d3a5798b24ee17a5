"""RabbitMQ as the broker: hints arrive, get lost and come back as with Redis, and watchers see all without it.

OPSAAS_TEST_AMQP_URL names one with a virtual host of the tests' own, such as amqp://guest:guest@127.0.0.1:5672/tests.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from amqp import NotFound
from kombu import Connection

from tests.execution.helpers import wait_until
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.harm import counted, own_database, paused, send_hint, through, worker
from tests.faults.proxy import Proxy
from tests.installation import Client, Installation, installation
from tests.vetted import Vetted

URL = os.environ.get("OPSAAS_TEST_AMQP_URL", "")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not URL, reason="OPSAAS_TEST_AMQP_URL names no RabbitMQ")]
TWO_LEASES = 2 * LEASE_SECONDS + 4


def purge() -> None:
    with Connection(URL) as broker:
        channel: Any = broker.default_channel  # its type knows only what every transport has
        channel.queue_purge("opsaas")


@pytest.fixture(scope="module")
def wire() -> Iterator[Proxy]:
    with Connection(URL) as broker, Proxy(host=broker.hostname or "127.0.0.1", port=broker.port or 5672) as wire:
        yield wire


@pytest.fixture(scope="module")
def system(wire: Proxy) -> Iterator[Installation]:
    with suppress(NotFound):  # the first installation makes the queue
        purge()
    settings: dict[str, Any] = {
        "OPSAAS_LEASE_SECONDS": LEASE_SECONDS,
        "OPSAAS_SWEEP_SECONDS": 1,
        "OPSAAS_STOP_GRACE_SECONDS": 1,
    }
    with own_database() as database:
        url = through(URL, port=wire.port)
        with installation(DATABASE_URL=database, OPSAAS_BROKER_URL=url, **settings) as running:
            yield running


@pytest.fixture(scope="module")
def project(system: Installation) -> Vetted:
    return Vetted(system)


def test_a_run_starts_once_however_often_its_hint_is_delivered(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("fifty", f"echo x >> {starts}; sleep 1; echo done"))
    step_run_id = runner("GET", f"/runs/{run_id}/steps")["results"][0]["id"]
    send_hint(system, step_run_id, times=50)
    assert runner.finished(run_id)["status"] == "succeeded"
    send_hint(system, step_run_id, times=50)
    time.sleep(1)
    assert counted(starts) == 1


def test_hints_that_the_broker_lost_are_sent_again(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    runbook = project.runbook("purged", f"echo $OPSAAS_RUN_ID >> {starts}")
    with paused(worker(system), of=system):
        run_ids = [runner.start(runbook) for _ in range(50)]
        purge()
    assert {runner.finished(run_id, every=0.2)["status"] for run_id in run_ids} == {"succeeded"}
    assert sorted(starts.read_text().split()) == sorted(run_ids)


def test_a_broker_that_is_cut_off_at_the_click_delays_the_run_and_no_more(
    system: Installation, project: Vetted, runner: Client, starts: Path, wire: Proxy
) -> None:
    runbook = project.runbook("cut", f"echo x >> {starts}")
    wire.cut()
    try:
        run_id = runner.start(runbook)
        assert runner("GET", f"/runs/{run_id}")["status"] == "queued"
    finally:
        wire.mend()
    assert runner.finished(run_id)["status"] == "succeeded"
    assert counted(starts) == 1


def test_a_broker_that_does_not_answer_holds_up_nobody_who_clicks(
    system: Installation, project: Vetted, runner: Client, starts: Path, wire: Proxy
) -> None:
    runbook = project.runbook("held", f"echo x >> {starts}")
    wire.hold()
    try:
        run_id = runner.start(runbook)
        assert runner("GET", f"/runs/{run_id}")["status"] == "queued"
    finally:
        wire.mend()
    assert runner.finished(run_id)["status"] == "succeeded"
    assert counted(starts) == 1


def test_a_killed_worker_leaves_a_lost_run_and_the_next_one_hears_hints(
    system: Installation, project: Vetted, runner: Client, starts: Path
) -> None:
    run_id = runner.start(project.runbook("killed", f"echo x >> {starts}; sleep 60"))
    wait_until(lambda: counted(starts))
    os.kill(worker(system), signal.SIGKILL)
    assert runner.finished(run_id, seconds=TWO_LEASES)["status"] == "lost"
    assert runner.finished(runner.start(project.runbook("after", "true")))["status"] == "succeeded"
    assert counted(starts) == 1


def test_who_watches_sees_everything_although_nothing_is_announced(
    system: Installation, project: Vetted, runner: Client
) -> None:
    run_id = runner.start(project.runbook("watched", "for i in 1 2 3; do echo line $i; sleep 0.3; done"))
    events = runner.raw("GET", f"/runs/{run_id}/events")[1].decode()
    assert [f"line {number}" in events for number in (1, 2, 3)] == [True] * 3
    assert '"succeeded"' in events
