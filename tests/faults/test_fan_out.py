"""A step on several machines, from the click through a started worker to an sshd for each, and harm done in between.

Each machine is known by a key that a worker fetched and the owner accepted.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.execution.helpers import survivors, wait_until
from tests.execution.ssh_servers import Sshd, needs_sshd
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.harm import counted, worker
from tests.installation import Client, Installation
from tests.vetted import Vetted

pytestmark = pytest.mark.slow
NAMES = [f"node{number}" for number in range(1, 6)]
TWO_LEASES = 2 * LEASE_SECONDS + 4
WAITS = "setsid sleep 60 & sleep 60"


@pytest.fixture(scope="session")  # as the project, whose nodes are never made twice
def machines(tmp_path_factory: pytest.TempPathFactory, project: Vetted) -> Iterator[dict[str, Sshd]]:
    needs_sshd()
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("machines")
        running = {name: stack.enter_context(Sshd(folder / name)) for name in NAMES}
        project.nodes({name: machine.target for name, machine in running.items()})
        yield running


def fleet(project: Vetted, slug: str, script: str, **targets: Any) -> str:
    return project.runbook(slug, script, targets={"select": "fleet", **targets})


def ends(runner: Client, run_id: str) -> dict[str, str]:
    """Of the machines where it was begun."""
    steps = runner("GET", f"/runs/{run_id}/steps?limit=100")["results"]
    return {step["node"]: step["status"] for step in steps if step["part_of"]}


def nothing_is_left(run_id: str) -> bool:
    return not survivors(run_id) and not list(Path("/tmp").glob(f"opsaas-{run_id}-*"))


def test_the_canary_goes_alone_and_then_come_batches(
    project: Vetted, machines: dict[str, Sshd], runner: Client, starts: Path
) -> None:
    script = f"echo begins $OPSAAS_NODE >> {starts}; sleep 0.5; echo ends $OPSAAS_NODE >> {starts}"
    run_id = runner.start(fleet(project, "rolling", script, canary=1, batch=2))
    assert runner.finished(run_id)["status"] == "succeeded"
    assert ends(runner, run_id) == dict.fromkeys(NAMES, "succeeded")
    told = [tuple(line.split()) for line in starts.read_text().splitlines()]
    assert sorted(told) == sorted((word, name) for word in ("begins", "ends") for name in NAMES)
    for before, after in pairwise((NAMES[:1], NAMES[1:3], NAMES[3:])):
        last_end = max(told.index(("ends", name)) for name in before)
        assert last_end < min(told.index(("begins", name)) for name in after)
    assert nothing_is_left(run_id)


def test_after_too_many_failures_no_further_machine_is_begun(
    project: Vetted, machines: dict[str, Sshd], runner: Client, starts: Path
) -> None:
    script = f"echo $OPSAAS_NODE >> {starts}; case $OPSAAS_NODE in node1) ;; *) exit 3 ;; esac"
    run_id = runner.start(fleet(project, "failing", script, batch=1, max_failures=1))
    assert runner.finished(run_id)["status"] == "failed"
    assert starts.read_text().split() == NAMES[:3]
    assert ends(runner, run_id) == dict(zip(NAMES[:3], ("succeeded", "failed", "failed"), strict=True))


def test_a_machine_whose_sshd_is_killed_is_lost_and_the_others_are_told_apart(
    project: Vetted, machines: dict[str, Sshd], runner: Client, starts: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    script = f"echo x >> {starts}; setsid sleep 60 & until [ -e {go} ]; do sleep 0.1; done"
    run_id = runner.start(fleet(project, "cut", script, max_failures=5))
    wait_until(lambda: counted(starts) == len(NAMES), within=60)
    for pid in machines["node2"].sessions():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: ends(runner, run_id)["node2"] == "lost", within=30)
    go.touch()
    assert runner.finished(run_id)["status"] == "lost"
    assert ends(runner, run_id) == {**dict.fromkeys(NAMES, "succeeded"), "node2": "lost"}
    assert counted(starts) == len(NAMES)
    wait_until(lambda: nothing_is_left(run_id), within=30)


def test_a_cancel_leaves_nothing_on_any_machine(
    project: Vetted, machines: dict[str, Sshd], runner: Client, starts: Path
) -> None:
    run_id = runner.start(fleet(project, "cancelled", f"echo x >> {starts}; {WAITS}", batch=3))
    wait_until(lambda: counted(starts) == 3, within=60)
    runner("POST", f"/runs/{run_id}/cancel", {})
    assert runner.finished(run_id)["status"] == "cancelled"
    assert nothing_is_left(run_id)
    assert ends(runner, run_id) == dict.fromkeys(NAMES[:3], "cancelled")
    assert counted(starts) == 3


def test_a_worker_killed_in_mid_fan_out_leaves_lost_machines_nothing_running_and_starts_none_twice(
    system: Installation, project: Vetted, machines: dict[str, Sshd], runner: Client, starts: Path
) -> None:
    run_id = runner.start(fleet(project, "killed", f"echo $OPSAAS_NODE >> {starts}; {WAITS}", batch=3, max_failures=2))
    wait_until(lambda: counted(starts) == 3, within=60)
    os.kill(worker(system), signal.SIGKILL)
    wait_until(lambda: nothing_is_left(run_id), within=30)
    assert runner.finished(run_id, seconds=TWO_LEASES)["status"] == "lost"
    assert ends(runner, run_id) == dict.fromkeys(NAMES[:3], "lost")
    assert sorted(starts.read_text().split()) == NAMES[:3]
    after = runner.start(fleet(project, "after", "echo again"))
    assert runner.finished(after)["status"] == "succeeded"
