"""A step on many nodes: in batches, within limits, and over once."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from runbooks.access.fetch import NotAllowed
from runbooks.access.held import Place
from runbooks.domain.ports import Lease, Level, Outcome, OutcomeKind, OutputSink, SeenHostKey, StopReason, Work
from runbooks.domain.problems import Invalid
from runbooks.models import FanOut, Grant, HostKey, Node, Run, Runbook, StepRun
from runbooks.usecases.grants.grant import write_grant
from runbooks.usecases.nodes.host_keys import reject
from runbooks.usecases.nodes.write import change_node
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.execute import execute
from runbooks.usecases.runs.fan_out import failed_nodes
from runbooks.usecases.runs.preview import preview
from runbooks.usecases.runs.resume import resume
from runbooks.usecases.runs.start import Request, start
from runbooks.usecases.runs.sweep import give_up_on_nodes, reap
from tests.keys import KEY, OTHER_KEY, host_key
from tests.world import FakeExecutor, FakeHost, World

STEPS = [
    {"id": "one", "interpreter": ["sh"], "script": "echo one"},
    {"id": "two", "interpreter": ["sh"], "script": "echo two"},
]


@dataclass
class Machines:
    """An executor at the port: ends as `ends` says of each node, and remembers who was there."""

    ends: Callable[[Work], Outcome | int] = lambda work: 0
    works: list[Work] = field(default_factory=list)
    during: Callable[[Work], None] = lambda work: None

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        self.works.append(work)
        self.during(work)
        end = self.ends(work)
        return end if isinstance(end, Outcome) else Outcome(kind=OutcomeKind.EXITED, exit_code=end)

    @property
    def went(self) -> list[str]:
        return [f"{work.step_id} {work.node}".strip() for work in self.works]


def fleet(world: World, *names: str, tags: Iterable[str] = ("web",), use: bool = True) -> list[Node]:
    nodes = []
    for number, name in enumerate(names):
        node = Node.objects.create(project=world.project, name=name, host=f"10.0.0.{number}", tags=list(tags))
        HostKey.objects.create(node=node, key=KEY, seen_at=timezone.now(), state="accepted")
        nodes.append(node)
    if use and not Grant.objects.filter(user__username="runner", rights=["use"]).exists():
        world.give("runner", world.project, "use")
    return nodes


def targeted(world: World, slug: str = "fleet", **targets: Any) -> Runbook:
    spec: dict[str, Any] = {"targets": {"select": "web", **targets}}
    return world.published(slug, **spec)


def parts(run: Run, status: str = "") -> list[str]:
    found = StepRun.objects.filter(run=run, part_of__isnull=False).order_by("pk")
    return [part.node for part in (found.filter(status=status) if status else found)]


def took(run: Run, machines: Machines, most: int) -> None:
    """A worker that takes so many hints."""
    host = FakeHost(machines)
    for _ in range(most):
        step_run = run.step_runs.filter(status="queued").order_by("pk").first()
        assert step_run is not None
        execute(step_run_id=str(step_run.pk), host=host, clock=timezone.now)


def test_each_step_goes_to_every_node_before_the_next_begins(world: World) -> None:
    fleet(world, "web10", "web2", "web1")
    runbook = world.published("fleet", targets={"select": "web"}, steps=STEPS)
    machines = Machines()
    run = world.executed(world.started(runbook), machines)
    assert run.status == "succeeded"
    assert machines.went == ["one web1", "one web2", "one web10", "two web1", "two web2", "two web10"]
    work = machines.works[0]
    assert work.target is not None
    assert (work.target.name, work.target.host, work.target.host_keys) == ("web1", "10.0.0.2", (KEY,))
    assert Node.objects.get(name="web1").last_contact


def test_the_plan_names_the_nodes_and_is_hashed_over_them(world: World) -> None:
    fleet(world, "web1", "web2")
    runbook = targeted(world)
    plan = preview(actor=world.actor("runner"), runbook=runbook, request=Request(values={}), now=timezone.now())
    assert [node.name for node in plan.targets] == ["web1", "web2"]
    run = world.started(runbook)
    assert json.loads(bytes(run.plan))["targets"][0]["host"] == "10.0.0.0"
    Node.objects.filter(name="web1").update(host="10.9.9.9")
    other = preview(actor=world.actor("runner"), runbook=runbook, request=Request(values={}), now=timezone.now())
    assert other.hash != plan.hash == run.plan_hash


def test_an_installation_that_demands_more_than_nodes_have_refuses_at_the_click(
    world: World, settings: Settings
) -> None:
    fleet(world, "web1")
    runbook = targeted(world)
    settings.OPSAAS_CONTAINMENT_MINIMUM = Level.PROCESS
    with pytest.raises(NotAllowed, match="over SSH there is only"):
        world.started(runbook)
    steps = [{**STEPS[0], "local": True}]
    assert world.started(world.published("here", targets={"select": "web"}, steps=steps)).status == "queued"


def test_limits_that_a_node_keeps_tighter_are_those_of_its_step_run(world: World) -> None:
    fleet(world, "web1")
    runbook = world.published("fleet", targets={"select": "web"}, containment={"memory": "1GiB", "cpu": "60s"})
    outcome = Outcome(kind=OutcomeKind.EXITED, exit_code=0, level=Level.HOST, limits={"memory_bytes": 512 << 20})
    run = world.executed(world.started(runbook), FakeExecutor(outcome=outcome))
    kept = run.step_runs.get(node="web1").containment
    assert kept == {"level": "host", "network": True, "memory_bytes": 512 << 20, "cpu_seconds": 60}


def test_local_steps_run_once_on_the_worker(world: World) -> None:
    fleet(world, "web1", "web2")
    steps = [{**STEPS[0], "local": True}, STEPS[1]]
    machines = Machines()
    world.executed(world.started(world.published("fleet", targets={"select": "web"}, steps=steps)), machines)
    assert machines.went == ["one", "two web1", "two web2"]
    assert machines.works[0].target is None


def test_a_canary_goes_alone_and_then_come_batches(world: World) -> None:
    fleet(world, *(f"web{n}" for n in range(6)))
    run = world.started(targeted(world, canary=1, batch=2))
    machines = Machines()
    took(run, machines, 1)
    seen = [len(parts(run))]
    while run.step_runs.filter(status="queued").exists():
        took(run, machines, 1)
        seen.append(len(parts(run)))
    assert seen == [1, 3, 3, 5, 5, 6, 6]


def test_no_more_than_so_many_are_in_flight(world: World) -> None:
    fleet(world, *(f"web{n}" for n in range(5)))
    run = world.started(targeted(world, in_flight=2))
    machines = Machines()
    took(run, machines, 1)
    assert len(parts(run, "queued")) == 2
    took(run, machines, 1)
    assert len(parts(run, "queued")) == 2
    assert world.executed(run, machines).status == "succeeded"
    assert len(machines.went) == 5


def test_a_failure_of_the_canary_begins_no_other(world: World) -> None:
    fleet(world, "web1", "web2", "web3")
    machines = Machines(ends=lambda work: 3)
    run = world.executed(world.started(targeted(world, canary=1, max_failures="100%")), machines)
    assert (run.status, run.exit_code, machines.went) == ("failed", 3, ["main web1"])
    assert run.status_detail == "On 1 of 3 nodes it did not succeed: web1 (exit code 3). 2 were not begun."


def test_after_too_many_failures_those_that_wait_are_skipped(world: World) -> None:
    fleet(world, *(f"web{n}" for n in range(10)))
    machines = Machines(ends=lambda work: 1)
    run = world.executed(world.started(targeted(world, max_failures=2)), machines)
    assert run.status == "failed"
    assert len(machines.went) == 3
    assert len(parts(run, "skipped")) == 7
    whole = StepRun.objects.get(run=run, part_of=None)
    assert (whole.status, whole.nodes, whole.fan_out.failed, whole.fan_out.ended) == ("failed", 10, 3, 10)


def test_failures_within_the_limit_go_on_without_these_nodes_and_the_run_has_failed(world: World) -> None:
    fleet(world, *(f"web{n}" for n in range(4)))
    machines = Machines(ends=lambda work: 5 if work.node == "web1" and work.step_id == "one" else 0)
    runbook = world.published("fleet", targets={"select": "web", "max_failures": "25%"}, steps=STEPS)
    run = world.executed(world.started(runbook), machines)
    assert "two web1" not in machines.went
    assert len([went for went in machines.went if went.startswith("two")]) == 3
    assert (run.status, run.exit_code) == ("failed", 5)


def test_cleanup_goes_wherever_something_was_begun(world: World) -> None:
    fleet(world, "web1", "web2", "web3")
    machines = Machines(ends=lambda work: 1 if work.step_id == "one" else 0)
    runbook = world.published(
        "fleet", targets={"select": "web", "batch": 2}, steps=[*STEPS, {**STEPS[0], "id": "tidy"}], cleanup=["tidy"]
    )
    run = world.executed(world.started(runbook), machines)
    assert machines.went == ["one web1", "tidy web1", "tidy web2"]
    assert run.status == "failed"


def test_a_further_attempt_goes_only_where_the_one_before_failed(world: World) -> None:
    fleet(world, "web1", "web2", "web3")
    machines = Machines(ends=lambda work: 1 if work.node == "web2" and work.attempt == 1 else 0)
    steps = [{**STEPS[0], "retries": {"count": 2, "delay": "0s"}}]
    runbook = world.published("fleet", targets={"select": "web", "max_failures": "100%"}, steps=steps)
    run = world.executed(world.started(runbook), machines)
    assert machines.went == ["one web1", "one web2", "one web3", "one web2"]
    assert run.status == "succeeded"


def test_the_outputs_of_a_single_node_are_those_of_the_step(world: World) -> None:
    fleet(world, "web1")
    outcome = Outcome(kind=OutcomeKind.EXITED, exit_code=0, outputs={"left": "0"}, summary="done")
    run = world.executed(world.started(targeted(world)), Machines(ends=lambda work: outcome))
    whole = StepRun.objects.get(run=run, part_of=None)
    assert (whole.outputs, whole.summary) == ({"left": "0"}, "done")


def test_a_cut_link_makes_the_run_lost_and_begins_no_other(world: World) -> None:
    fleet(world, "web1", "web2", "web3")
    run = world.started(targeted(world, in_flight=2, max_failures=3))
    cut = Outcome(kind=OutcomeKind.VANISHED, detail="The link was cut.")
    machines = Machines(ends=lambda work: cut if work.node == "web1" else 0)
    run = world.executed(run, machines)
    assert run.status == "lost"
    assert machines.went == ["main web1"]
    assert len(parts(run, "skipped")) == 1


def test_a_node_whose_worker_vanished_does_not_end_the_run_while_others_run(world: World) -> None:
    fleet(world, "web1", "web2")
    run = world.started(targeted(world, in_flight=2, max_failures=2))
    took(run, Machines(), 1)
    StepRun.objects.filter(run=run, node="web1").update(status="running", lease_until=timezone.now())
    StepRun.objects.filter(run=run, node="web2").update(
        status="running", worker="other", fence=1, lease_until=timezone.now() + timedelta(hours=1)
    )
    assert reap(now=timezone.now()) == 1
    run.refresh_from_db()
    assert run.status == "running"
    StepRun.objects.filter(run=run, node="web2").update(lease_until=timezone.now() - timedelta(hours=1))
    assert reap(now=timezone.now()) == 1
    run.refresh_from_db()
    assert run.status == "lost"


def test_a_cancel_skips_what_waits_and_ends_when_the_last_script_is_stopped(world: World) -> None:
    fleet(world, "web1", "web2", "web3")
    run = world.started(targeted(world))
    took(run, Machines(), 1)
    stopped = Outcome(kind=OutcomeKind.STOPPED, stop_reason=StopReason.CANCELLED)
    asked = lambda work: cancel(actor=world.actor("runner"), run=Run.objects.get(pk=run.pk), now=timezone.now())  # noqa: E731
    took(run, Machines(ends=lambda work: stopped, during=asked), 1)
    run.refresh_from_db()
    assert (run.status, len(parts(run, "skipped"))) == ("cancelled", 2)


def test_a_cancel_with_no_worker_in_sight_ends_the_run_at_once(world: World) -> None:
    fleet(world, "web1", "web2")
    run = world.started(targeted(world))
    took(run, Machines(), 1)
    cancel(actor=world.actor("runner"), run=Run.objects.get(pk=run.pk), now=timezone.now())
    run.refresh_from_db()
    assert (run.status, parts(run, "skipped")) == ("cancelled", ["web1", "web2"])


def test_fifty_copies_of_each_hint_go_to_each_node_once(world: World) -> None:
    fleet(world, *(f"web{n}" for n in range(4)))
    run, machines = world.started(targeted(world, batch=2)), Machines()
    for _ in range(10):
        for step_run_id in list(run.step_runs.values_list("pk", flat=True)):
            for _ in range(5):
                execute(step_run_id=str(step_run_id), host=FakeHost(machines), clock=timezone.now)
    run.refresh_from_db()
    assert (run.status, len(machines.went)) == ("succeeded", 4)
    assert FanOut.objects.get().ended == 4


def test_without_use_on_a_node_the_run_is_refused(world: World) -> None:
    fleet(world, "web1", "web2", use=False)
    runbook = targeted(world)
    with pytest.raises(NotAllowed, match="“use” on 2 of the 2 nodes: web1, web2"):
        world.started(runbook)
    world.give("runner", Node.objects.get(name="web1"), "use")
    with pytest.raises(NotAllowed, match="1 of the 2 nodes: web2"):
        world.started(runbook)
    world.give("runner", Node.objects.get(name="web2"), "use")
    assert world.executed(world.started(runbook), Machines()).status == "succeeded"


def test_use_that_was_taken_back_before_the_first_claim_refuses_the_run(world: World) -> None:
    fleet(world, "web1")
    run, machines = world.started(targeted(world)), Machines()
    Grant.objects.filter(user__username="runner", rights=["use"]).update(revoked_at=timezone.now())
    assert world.executed(run, machines).status == "refused"
    assert machines.went == []


def test_a_selector_that_means_no_node_is_an_error(world: World) -> None:
    fleet(world, "db1", tags=("db",))
    with pytest.raises(Invalid, match="No node that you may use here matches"):
        world.started(targeted(world))


def test_a_node_that_changed_after_the_start_is_left_alone(world: World) -> None:
    nodes = fleet(world, "web1", "web2", "web3")
    run, machines, owner = world.started(targeted(world, max_failures=9)), Machines(), world.actor("owner")
    took(run, machines, 1)
    change_node(actor=owner, node=nodes[0], changes={"host": "10.9.9.9"}, revision=None, now=timezone.now())
    reject(actor=owner, key=nodes[1].host_keys.get(), now=timezone.now())
    run = world.executed(run, machines)
    assert (run.status, machines.went) == ("failed", ["main web3"])
    assert "not as it was" in StepRun.objects.get(run=run, node="web1").detail


def test_an_archived_node_refuses_a_run_that_has_not_begun(world: World) -> None:
    nodes = fleet(world, "web1")
    run = world.started(targeted(world))
    Node.objects.filter(pk=nodes[0].pk).update(archived_at=timezone.now())
    assert world.executed(run, Machines()).status == "refused"


def test_a_node_without_an_accepted_key_keeps_the_run_from_starting(world: World) -> None:
    fleet(world, "web1")
    Node.objects.create(project=world.project, name="web2", host="web2", tags=["web"])
    with pytest.raises(Invalid, match="accepted a host key of web2"):
        world.started(targeted(world))


def test_a_key_that_a_machine_showed_is_written_down(world: World) -> None:
    fleet(world, "web1")
    shown = SeenHostKey(name="web1", host="10.0.0.0", port=22, key=OTHER_KEY, fingerprint="")
    outcome = Outcome(kind=OutcomeKind.NOT_STARTED, detail="another key", host_key=shown)
    run = world.executed(world.started(targeted(world)), Machines(ends=lambda work: outcome))
    assert run.status == "failed"
    assert HostKey.objects.get(key=OTHER_KEY).state == "seen"
    assert Node.objects.get().last_contact is None


def test_what_no_worker_of_the_zone_takes_ends(world: World, settings: Any) -> None:
    fleet(world, "web1")
    Node.objects.update(zone="dmz")
    run = world.started(targeted(world))
    took(run, Machines(), 1)
    assert give_up_on_nodes(now=timezone.now()) == 0
    later = timezone.now() + timedelta(seconds=settings.OPSAAS_QUEUE_SECONDS + 1)
    assert give_up_on_nodes(now=later) == 1
    run.refresh_from_db()
    assert run.status == "failed"
    assert "zone “dmz”" in StepRun.objects.get(run=run, node="web1").detail


def test_targets_narrow_down_and_failed_nodes_are_run_again_alone(world: World) -> None:
    fleet(world, "web1", "web2", "web3")
    runbook = targeted(world, max_failures=9)
    run = world.executed(world.started(runbook), Machines(ends=lambda work: int(work.node == "web2")))
    assert failed_nodes(run) == ["web2"]
    only = Request(values={}, targets=tuple(failed_nodes(run)))
    again, machines = start(actor=world.actor("runner"), runbook=runbook, request=only, now=timezone.now()), Machines()
    assert (world.executed(again, machines).status, machines.went) == ("succeeded", ["main web2"])
    with pytest.raises(Invalid, match="does not select"):
        start(actor=world.actor("runner"), runbook=runbook, request=Request({}, targets=("db1",)), now=timezone.now())


def test_a_parameter_names_one_of_the_nodes_of_its_query(world: World) -> None:
    fleet(world, "web1", "web2")
    fleet(world, "db1", tags=("db",))
    runbook = world.published(
        "one-node",
        parameters=[{"name": "host", "type": "node", "from": "web"}],
        targets={"select": "name == params.host"},
    )
    run = world.executed(world.started(runbook, {"host": "web2"}), machines := Machines())
    assert (run.status, machines.went) == ("succeeded", ["main web2"])
    for wrong in ("db1", "nowhere"):
        with pytest.raises(Invalid, match="no node that you may use here"):
            world.started(runbook, {"host": wrong})


@pytest.mark.parametrize("harm", ["right", "service", ""])
def test_a_node_that_is_only_a_value_is_asked_about_again_when_the_run_begins(world: World, harm: str) -> None:
    nodes = fleet(world, "web1", "web2")
    runbook = world.published("look", parameters=[{"name": "host", "type": "node", "from": "web"}])
    run = world.started(runbook, {"host": "web2"})
    if harm == "right":
        world.user("runner").grants.filter(rights=["use"]).update(revoked_at=timezone.now())
    if harm == "service":
        Node.objects.filter(pk=nodes[1].pk).update(archived_at=timezone.now())
    ended = world.executed(run, machines := Machines())
    assert (ended.status, len(machines.works)) == (("refused", 0) if harm else ("succeeded", 1))
    assert ("web2" in ended.status_detail) == bool(harm)


def test_a_shared_node_is_meant_only_where_it_may_be_used(world: World) -> None:
    fleet(world, "web1")
    shared = Node.objects.create(name="web9", host="web9", tags=["web"])
    HostKey.objects.create(node=shared, key=host_key("c"), seen_at=timezone.now(), state="accepted")
    runbook, machines = targeted(world), Machines()
    world.executed(world.started(runbook), machines)
    assert machines.went == ["main web1"]
    world.give("runner", shared, "use")
    world.executed(world.started(runbook), machines)
    assert machines.went[1:] == ["main web1", "main web9"]


def test_a_resumed_run_goes_only_where_the_failed_step_had_not_succeeded(world: World) -> None:
    fleet(world, "web1", "web2")
    runbook = world.published("fleet", targets={"select": "web", "max_failures": 0}, steps=STEPS)
    run = world.executed(world.started(runbook), Machines(ends=lambda work: int(work.node == "web2")))
    again, machines = resume(actor=world.actor("runner"), run=run, now=timezone.now()), Machines()
    assert world.executed(again, machines).status == "succeeded"
    assert machines.went == ["one web2", "two web1", "two web2"]


def test_the_api_lists_steps_on_all_nodes_and_narrows_down(world: World) -> None:
    fleet(world, *(f"web{n}" for n in range(5)))
    runner = world.client("runner")
    body = {"runbook": targeted(world, max_failures=9).path}
    assert len(runner("POST", "/runs", {**body, "dry_run": True}).json()["plan"]["targets"]) == 5
    made = runner("POST", "/runs", {**body, "targets": ["web1", "web3"]})
    run = Run.objects.get(pk=made.json()["id"])
    world.executed(run, Machines(ends=lambda work: int(work.node == "web3")))
    whole, *rest = runner("GET", f"/runs/{run.pk}/steps").json()["results"]
    assert whole["nodes"] == {"total": 2, "begun": 2, "ended": 2, "failed": 1}
    assert [(one["node"], one["status"], one["part_of"]) for one in rest] == [
        ("web1", "succeeded", whole["id"]),
        ("web3", "failed", whole["id"]),
    ]
    failed = runner("GET", f"/runs/{run.pk}/steps?status=failed&limit=1").json()
    assert failed["next"]
    again = runner("POST", f"/runs/{run.pk}/rerun", {"failed_nodes": True})
    assert again.status_code == 202
    plan = json.loads(bytes(Run.objects.get(pk=again.json()["id"]).plan))
    assert [node["name"] for node in plan["targets"]] == ["web3"]
    assert runner("POST", f"/runs/{again.json()['id']}/rerun", {"failed_nodes": True}).status_code == 409


def test_grants_that_are_limited_to_some_nodes_cover_no_others(world: World) -> None:
    nodes = fleet(world, "web1", "web2", use=False)
    Node.objects.filter(pk=nodes[0].pk).update(attributes={"env": "staging"})
    limited(world, world.project, "use", "env=staging")
    runbook = targeted(world)
    with pytest.raises(NotAllowed, match="“use” on 1 of the 2 nodes: web2"):
        world.started(runbook)
    world.give("runner", world.project, "use")
    assert world.executed(world.started(runbook), Machines()).status == "succeeded"
    for held in Grant.objects.filter(user__username="runner"):
        if "run" in held.rights:
            Grant.objects.filter(pk=held.pk).update(revoked_at=timezone.now())
    world.give("runner", world.project, "view")
    limited(world, runbook, "run", 'name == "web1"')
    with pytest.raises(NotAllowed, match="does not cover 1 of the 2 nodes: web2"):
        world.started(runbook)
    narrowed = Request(values={}, targets=("web1",))
    run = start(actor=world.actor("runner"), runbook=runbook, request=narrowed, now=timezone.now())
    assert world.executed(run, Machines()).status == "succeeded"


def limited(world: World, place: Place, right: str, query: str) -> None:
    limits, who, now = {"nodes": query}, world.user("runner"), timezone.now()
    write_grant(by=None, principal=who, place=place, rights=[right], expires_at=None, limits=limits, reason="", now=now)
