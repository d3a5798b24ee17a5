"""Web, worker, scheduler and broker are all killed at once, with a run in every state there is: each ends right, and no
script is started twice. Starts are counted by the scripts, outside the app."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.execution.helpers import survivors, wait_until
from tests.execution.ssh_servers import Sshd, needs_sshd
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.harm import own_database, paused, worker
from tests.installation import Client, Installation, installation
from tests.vetted import Vetted

pytestmark = pytest.mark.slow
EVERYTHING = ("uvicorn", "celeryd: ", "manage.py scheduler", "valkey-server")
NODES = ("node1", "node2", "node3")
LONG = 120  # seconds, on a slow machine


@pytest.fixture(scope="module")
def system() -> Iterator[Installation]:
    """With a broker of its own: one that may be killed."""
    settings: dict[str, Any] = {"OPSAAS_LEASE_SECONDS": LEASE_SECONDS, "OPSAAS_SWEEP_SECONDS": 1}
    with own_database() as database, installation(DATABASE_URL=database, OPSAAS_BROKER_URL="", **settings) as running:
        yield running


@pytest.fixture(scope="module")
def project(system: Installation) -> Vetted:
    return Vetted(system)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory, project: Vetted) -> Iterator[None]:
    needs_sshd()
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("machines")
        running = {name: stack.enter_context(Sshd(folder / name)) for name in NODES}
        project.nodes({name: machine.target for name, machine in running.items()})
        yield


@dataclass
class Restarted:
    """The runs by what they were at when everything was killed, and a client of the web process that came after."""

    runs: dict[str, str]
    folder: Path
    runner: Client

    def starts(self, name: str) -> list[str]:
        """Of which steps, in order; of a step on nodes, on which."""
        file = self.folder / name
        return file.read_text().split() if file.exists() else []

    def steps(self, name: str) -> dict[str, str]:
        return steps(self.runner, self.runs[name])

    def finished(self, name: str) -> dict[str, Any]:
        return self.runner.finished(self.runs[name], every=0.1, seconds=LONG)

    def answer(self, run_id: str, step: str) -> None:
        [asked] = [one for one in self.runner("GET", f"/runs/{run_id}/steps")["results"] if one["step"] == step]
        self.runner("POST", f"/runs/{run_id}/steps/{asked['id']}/complete", {"verdict": "approve"})


def steps(runner: Client, run_id: str) -> dict[str, str]:
    """By step, node and attempt: "main", "main@node1", "main~2"."""
    found = runner("GET", f"/runs/{run_id}/steps?limit=100")["results"]
    return {
        one["step"]
        + (f"@{one['node']}" if one["node"] else "")
        + (f"~{one['attempt']}" if one["attempt"] > 1 else ""): one["status"]
        for one in found
    }


def counting(file: Path, step: str, then: str = "") -> dict[str, Any]:
    return {"id": step, "interpreter": ["sh"], "script": f"echo ${{OPSAAS_NODE:-{step}}} >> {file}; {then}"}


class Cast:
    """Brings runs into every state while the scheduler is held up, so that nothing comes due meanwhile."""

    def __init__(self, project: Vetted, runner: Client, folder: Path) -> None:
        self.project, self.runner, self.folder = project, runner, folder
        self.runs: dict[str, str] = {}

    def start(self, name: str, *given: dict[str, Any], **spec: Any) -> str:
        self.runs[name] = self.runner.start(self.project.runbook(name, "", steps=list(given), **spec))
        return self.runs[name]

    def script(self, name: str, step: str, then: str = "") -> dict[str, Any]:
        return counting(self.folder / name, step, then)

    def under_way(self) -> None:
        asks: dict[str, Any] = {"id": "ask", "manual": {"ask": "Fine?"}}
        self.start("running", self.script("running", "only", "sleep 300 & sleep 300"))
        self.start("person", self.script("person", "before"), asks, self.script("person", "after"))
        waits = {"id": "wait", "wait": {"for": "2s"}}
        self.start("time", self.script("time", "before"), waits, self.script("time", "after"))
        twice = f"test $(wc -l < {self.folder / 'retry'}) -gt 1"
        retried = self.script("retry", "only", twice) | {"retries": {"count": 3, "delay": "2s"}}
        self.start("retry", retried)
        hangs = "test $OPSAAS_NODE = node1 || sleep 300"
        self.start("nodes", self.script("nodes", "only", hangs), targets={"select": "fleet", "batch": 1})
        self._children(asks)
        self.start("holder", asks, concurrency={"key": '"one"', "on_conflict": "queue"})

    def _children(self, asks: dict[str, Any]) -> None:
        inner = self.project.runbook("inner", "", steps=[self.script("child", "inside"), asks])
        calls = {"id": "other", "runbook": {"path": inner}}
        self.start("child", calls, self.script("child", "after"))
        hanging = self.project.runbook("hanging", "", steps=[self.script("lost-child", "inside", "sleep 300")])
        self.start("lost-child", {"id": "other", "runbook": {"path": hanging}}, self.script("lost-child", "after"))

    def as_wanted(self) -> bool:
        """Whether each is where it is meant to be."""
        wanted = {
            "running": {"only": "running"},
            "person": {"before": "succeeded", "ask": "waiting"},
            "time": {"before": "succeeded", "wait": "waiting"},
            "retry": {"only": "failed", "only~2": "pending"},
            "nodes": {"only@node1": "succeeded", "only@node2": "running"},
            "child": {"other": "waiting"},
            "lost-child": {"other": "waiting"},
            "holder": {"ask": "waiting"},
        }
        begun = all(steps(self.runner, self.runs[name]).items() >= found.items() for name, found in wanted.items())
        inside = [(self.folder / name).exists() for name in ("running", "child", "lost-child")]
        return begun and all(inside) and child_of(self.runner, self.runs["child"])["status"] == "waiting"

    def queued(self) -> None:
        """While no worker takes anything."""
        self.start("queued", self.script("queued", "only"))
        self.runs["keyed"] = self.runner.start(f"{self.project.slug}/holder")


def child_of(runner: Client, run_id: str) -> dict[str, Any]:
    children = [one["child"] for one in runner("GET", f"/runs/{run_id}/steps")["results"] if one["child"]]
    found: dict[str, Any] = runner("GET", f"/runs/{children[-1]}") if children else {"status": ""}
    return found


@pytest.fixture(scope="module")
def restarted(
    system: Installation, project: Vetted, machines: None, tmp_path_factory: pytest.TempPathFactory
) -> Restarted:
    folder = tmp_path_factory.mktemp("starts")
    cast = Cast(project, system.client("runner"), folder)
    with paused(system.pid_of("manage.py scheduler"), of=system):
        cast.under_way()
        wait_until(cast.as_wanted, within=LONG)
        with paused(worker(system), of=system):
            cast.queued()
            before = {title: system.pid_of(title) for title in EVERYTHING}
            for pid in before.values():
                os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(_came_back(system, title, pid) for title, pid in before.items()), within=LONG)
    return Restarted(cast.runs, folder, system.client("runner"))


def _came_back(system: Installation, title: str, before: int) -> bool:
    with contextlib.suppress(AssertionError):
        return system.pid_of(title) != before
    return False


def test_a_queued_run_starts_once(restarted: Restarted) -> None:
    assert restarted.finished("queued")["status"] == "succeeded"
    assert restarted.starts("queued") == ["only"]


def test_a_running_one_is_lost_leaves_no_process_and_is_not_started_again(restarted: Restarted) -> None:
    run = restarted.finished("running")
    assert (run["status"], survivors(run["id"])) == ("lost", [])
    assert restarted.starts("running") == ["only"]


def test_one_that_waits_for_a_person_still_does_and_goes_on_with_the_answer(restarted: Restarted) -> None:
    assert restarted.steps("person") == {"before": "succeeded", "ask": "waiting", "after": "pending"}
    restarted.answer(restarted.runs["person"], "ask")
    assert restarted.finished("person")["status"] == "succeeded"
    assert restarted.starts("person") == ["before", "after"]


def test_one_that_waits_for_a_time_goes_on_when_it_has_come(restarted: Restarted) -> None:
    assert restarted.finished("time")["status"] == "succeeded"
    assert restarted.starts("time") == ["before", "after"]


def test_an_attempt_that_was_due_later_is_made_once(restarted: Restarted) -> None:
    assert restarted.finished("retry")["status"] == "succeeded"
    assert restarted.starts("retry") == ["only", "only"]


def test_a_step_halfway_through_its_nodes_is_lost_on_the_one_and_begins_no_other(restarted: Restarted) -> None:
    run = restarted.finished("nodes")
    assert (run["status"], survivors(run["id"])) == ("lost", [])
    assert restarted.starts("nodes") == ["node1", "node2"]
    assert restarted.steps("nodes") == {"only": "lost", "only@node1": "succeeded", "only@node2": "lost"}


def test_another_runbook_goes_on_and_its_end_reaches_the_run_that_it_is_a_step_of(restarted: Restarted) -> None:
    child = child_of(restarted.runner, restarted.runs["child"])
    assert child["status"] == "waiting"
    restarted.answer(child["id"], "ask")
    assert restarted.finished("child")["status"] == "succeeded"
    assert restarted.starts("child") == ["inside", "after"]


def test_another_runbook_whose_worker_died_loses_the_whole_and_nothing_follows(restarted: Restarted) -> None:
    assert restarted.finished("lost-child")["status"] == "lost"
    assert child_of(restarted.runner, restarted.runs["lost-child"])["status"] == "lost"
    assert restarted.starts("lost-child") == ["inside"]


def test_one_that_waits_for_the_key_of_another_gets_it_when_that_has_ended(restarted: Restarted) -> None:
    assert restarted.runner("GET", f"/runs/{restarted.runs['keyed']}")["status"] == "queued"
    restarted.answer(restarted.runs["holder"], "ask")
    assert restarted.finished("holder")["status"] == "succeeded"
    restarted.runner.until({"waiting"}, restarted.runs["keyed"], seconds=LONG)
    restarted.answer(restarted.runs["keyed"], "ask")
    assert restarted.finished("keyed")["status"] == "succeeded"
