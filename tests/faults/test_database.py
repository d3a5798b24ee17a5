"""The database away for a while, at every moment of a run: what was done is told, and nothing is told that was not."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.execution.helpers import survivors, wait_until
from tests.faults.harm import counted, own_database, paused, through, worker
from tests.faults.proxy import Proxy
from tests.installation import Client, Installation, installation
from tests.vetted import Vetted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.skipif(not os.environ.get("OPSAAS_TEST_DATABASE_URL"), reason="a file is never away"),
]
AWAY_SECONDS = 20
LEASE_SECONDS = 32  # so that scripts outlive such a time: they are ended at three quarters of it


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with own_database() as database:
        yield database


@pytest.fixture(scope="module")
def wire(database: str) -> Iterator[Proxy]:
    parts = urlsplit(database)
    with Proxy(host=parts.hostname or "127.0.0.1", port=parts.port or 5432) as wire:
        yield wire


@pytest.fixture(scope="module")
def system(database: str, wire: Proxy) -> Iterator[Installation]:
    settings: dict[str, Any] = {
        "OPSAAS_LEASE_SECONDS": LEASE_SECONDS,
        "OPSAAS_SWEEP_SECONDS": 1,
        "OPSAAS_STOP_GRACE_SECONDS": 1,
    }
    url = through(database, port=wire.port)
    with installation(DATABASE_URL=url, OPSAAS_BROKER_URL="", **settings) as running:
        yield running


@pytest.fixture(scope="module")
def project(system: Installation) -> Vetted:
    return Vetted(system)


@pytest.fixture(params=["cut", "hold"])
def go_away(request: pytest.FixtureRequest, wire: Proxy) -> Iterator[Callable[[], None]]:
    """Every connection breaks, or hangs."""
    yield getattr(wire, request.param)
    wire.mend()


def test_a_running_script_outlives_twenty_seconds_without_a_database(
    project: Vetted, runner: Client, starts: Path, wire: Proxy, go_away: Callable[[], None]
) -> None:
    lines = 2 * AWAY_SECONDS
    script = f"echo x >> {starts}; for i in $(seq {lines}); do echo $i; sleep 0.6; done"
    run_id = runner.start(project.runbook("outlives", script))
    wait_until(lambda: counted(starts))
    time.sleep(1)
    go_away()
    time.sleep(AWAY_SECONDS)
    wire.mend()
    run = runner.finished(run_id, every=0.5)
    assert (run["status"], run["output_complete"]) == ("succeeded", True), run["status_detail"]
    assert runner.raw("GET", f"/runs/{run_id}/log")[1].split() == [b"%d" % number for number in range(1, lines + 1)]
    assert counted(starts) == 1


def test_an_end_that_can_not_be_written_at_once_is_written_later(
    project: Vetted, runner: Client, starts: Path, wire: Proxy, go_away: Callable[[], None]
) -> None:
    run_id = runner.start(project.runbook("ends", f"echo x >> {starts}; sleep 2; echo the end"))
    wait_until(lambda: counted(starts))
    go_away()
    wait_until(lambda: not survivors(run_id))
    time.sleep(3)
    wire.mend()
    assert runner.finished(run_id, every=0.5)["status"] == "succeeded"
    assert runner.raw("GET", f"/runs/{run_id}/log")[1] == b"the end\n"
    assert counted(starts) == 1


@pytest.mark.parametrize("harm", [Proxy.cut, Proxy.hold])
def test_a_claim_that_can_not_be_written_is_made_later_and_once(
    system: Installation, project: Vetted, starts: Path, wire: Proxy, harm: Callable[[Proxy], None]
) -> None:
    runner, runbook = system.client("runner"), project.runbook("claims", f"echo x >> {starts}")
    with paused(worker(system), of=system):
        run_ids = [runner.start(runbook) for _ in range(10)]
        harm(wire)
    time.sleep(5)
    assert counted(starts) == 0
    wire.mend()
    assert {runner.finished(run_id, every=0.5)["status"] for run_id in run_ids} == {"succeeded"}
    assert counted(starts) == 10


def test_a_script_is_ended_before_the_database_has_been_away_for_a_whole_lease_and_its_run_is_lost(
    project: Vetted, runner: Client, starts: Path, wire: Proxy
) -> None:
    run_id = runner.start(project.runbook("too-long", f"echo x >> {starts}; echo begun; setsid sleep 90 & sleep 90"))
    wait_until(lambda: counted(starts))
    time.sleep(1)
    wire.cut()
    gone = time.monotonic()
    wait_until(lambda: not survivors(run_id), within=LEASE_SECONDS)
    time.sleep(max(0.0, gone + LEASE_SECONDS - time.monotonic()))
    wire.mend()
    run = runner.finished(run_id, every=0.5)
    assert run["status"] == "lost"
    assert run["status_detail"]
    assert counted(starts) == 1
