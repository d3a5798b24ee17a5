"""Guardrails bind whoever triggers: freezes, rates, kill switches, maintenance; from page, API and token, at the click
and at the claim."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from runbooks.access.fetch import NotAllowed, installation
from runbooks.domain.guardrails import Each, Rate
from runbooks.domain.problems import Invalid
from runbooks.models import (
    AuditEvent,
    BreakGlassReview,
    Delivery,
    Freeze,
    Installation,
    Node,
    Project,
    Run,
    Runbook,
    TokenKind,
)
from runbooks.usecases.guardrails.break_glass import close
from runbooks.usecases.guardrails.freeze import freeze, lift
from runbooks.usecases.guardrails.stop import switch
from runbooks.usecases.nodes.maintenance import end_maintenance, set_maintenance
from runbooks.usecases.runs.start import Request, start
from tests.usecases.nodes.test_fan_out import Machines, fleet, targeted
from tests.usecases.test_limits import lent
from tests.world import FakeExecutor, World

HOUR = timedelta(hours=1)
EMERGENCY = Request(values={}, reason="It burns", breaks_glass=True, proven=True)
BREAKABLE: dict[str, Any] = {"policy": {"break_glass": {"allow": ["group:oncall"]}}}


def frozen(world: World, place: Any = None, **more: Any) -> Freeze:
    where = place or world.project
    return freeze(actor=world.actor("admin"), place=where, reason="Christmas", now=timezone.now(), **more)


def again(runbook: Runbook) -> Runbook:
    """As another request reads it."""
    return Runbook.objects.select_related("project").get(pk=runbook.pk)


def broken(world: World, runbook: Runbook, request: Request = EMERGENCY, *, by: str = "runner") -> Run:
    return start(actor=world.actor(by), runbook=again(runbook), request=request, now=timezone.now())


@pytest.mark.parametrize("where", ["installation", "project", "runbook"])
def test_a_freeze_stops_every_way_in_and_says_until_when_and_by_whom(world: World, where: str) -> None:
    runbook = world.published()
    other = world.published("other")
    places = {"installation": installation(), "project": world.project, "runbook": runbook}
    frozen(world, places[where], ends_at=timezone.now() + HOUR)
    for kind in ("runner", "owner", "robot"):
        if kind == "robot":
            world.give("robot", world.project, "run", "view")
        for more in ({}, {"dry_run": True}):
            answer = world.client(kind)("POST", "/runs", {"runbook": "payments/hello", **more})
            assert answer.status_code == 403
            assert ", by admin: Christmas." in answer.json()["reasons"][0]
            assert " is in force until 20" in answer.json()["reasons"][0]
    assert world.browser("runner").post("/runbooks/payments/hello/run", {"key": "k"}).status_code == 403
    assert not Run.objects.exists()
    if where == "runbook":
        assert world.started(other).status == "queued"


def test_a_freeze_that_begins_between_click_and_claim_refuses_the_run(world: World) -> None:
    run = world.started()
    frozen(world)
    executor = FakeExecutor()
    run = world.executed(run, executor)
    assert (run.status, executor.works) == ("refused", [])
    assert "A freeze of project payments is in force until it is lifted" in run.status_detail


def test_what_runs_already_goes_on_through_a_freeze(world: World) -> None:
    steps = [{"id": name, "interpreter": ["sh"], "script": "echo"} for name in ("one", "two")]
    run = world.started(world.published(steps=steps))

    def freeze_it(*_: object) -> None:
        frozen(world)

    executor = FakeExecutor(during=freeze_it)
    assert world.executed(run, executor).status == "succeeded"


def test_a_freeze_that_is_lifted_over_or_of_other_hours_stops_nothing(world: World) -> None:
    runbook, now = world.published(), timezone.now()
    frozen(world, starts_at=now + HOUR)
    yesterday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now - timedelta(days=2)).weekday()]
    frozen(world, weekly={"days": [yesterday]})
    first = frozen(world)
    with pytest.raises(NotAllowed):
        world.started(runbook)
    lift(actor=world.actor("owner"), freeze=first, now=now)
    assert world.executed(world.started(runbook)).status == "succeeded"
    assert Installation.objects.get().has_freezes
    for one in Freeze.objects.filter(lifted_at=None):
        lift(actor=world.actor("owner"), freeze=one, now=now)
    assert Installation.objects.get().has_freezes is False
    assert AuditEvent.objects.filter(action="freeze.lifted", outcome="done").count() == 3


def test_who_vets_what_runs_says_when_it_does_not_and_only_there(world: World) -> None:
    runner, owner = world.client("runner"), world.client("owner")
    body = {"object": "project:payments", "reason": "Christmas"}
    assert runner("POST", "/freezes", body).status_code == 403
    assert owner("POST", "/freezes", {**body, "object": "installation"}).status_code == 403
    made = owner("POST", "/freezes", {**body, "weekly": {"days": ["fri"], "from": "18:00"}})
    assert made.status_code == 201
    assert made.json()["weekly"] == {"days": ["fri"], "from": "18:00", "to": "24:00", "zone": "UTC"}
    assert [one["id"] for one in runner("GET", "/freezes?state=open").json()["results"]] == [made.json()["id"]]
    assert world.client("stranger")("GET", "/freezes").json()["results"] == []
    assert owner("DELETE", f"/freezes/{made.json()['id']}").status_code == 204
    assert owner("DELETE", f"/freezes/{made.json()['id']}").status_code == 409


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"reason": " "}, "/reason"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "/ends_at"),
        ({"weekly": {"days": ["x"]}}, "/weekly/days"),
        ({"weekly": "friday"}, "/weekly"),
        ({"object": "node:web1"}, "/object"),
        ({"object": "nonsense"}, "/object"),
    ],
)
def test_a_freeze_that_makes_no_sense_is_refused(world: World, more: dict[str, Any], pointer: str) -> None:
    Node.objects.create(project=None, name="web1", host="web1")
    answer = world.client("admin")("POST", "/freezes", {"object": "project:payments", "reason": "r", **more})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


@pytest.mark.parametrize("where", ["project", "runbook"])
def test_a_kill_switch_of_a_project_or_a_runbook_stops_starts_and_further_steps(world: World, where: str) -> None:
    steps = [{"id": name, "interpreter": ["sh"], "script": "echo"} for name in ("one", "two")]
    runbook = world.published(steps=steps)
    place: Project | Runbook = world.project if where == "project" else runbook
    queued, running = world.started(runbook), world.started(runbook)

    def stop(*_: object) -> None:
        switch(actor=world.actor("owner"), place=place, accepts=False, reason="Wrong", now=timezone.now())

    executor = FakeExecutor(during=stop)
    assert world.executed(running, executor).status == "failed"
    assert len(executor.works) == 1
    assert "are switched off since" in Run.objects.get(pk=running.pk).status_detail
    assert world.executed(queued, FakeExecutor()).status == "refused"
    answer = world.client("runner")("POST", "/runs", {"runbook": "payments/hello"})
    assert " by owner: Wrong." in answer.json()["reasons"][0]
    with pytest.raises(NotAllowed):
        switch(actor=world.actor("runner"), place=place, accepts=True, reason="Go on", now=timezone.now())
    switch(actor=world.actor("owner"), place=place, accepts=True, reason="Mended", now=timezone.now())
    assert world.executed(world.started(again(runbook))).status == "succeeded"


@pytest.mark.parametrize("each", ["runbook", "actor", "trigger"])
def test_a_rate_of_the_definition_binds_those_that_it_counts_together(world: World, each: str) -> None:
    runbook = world.published(policy={"rates": [{"most": 1, "per": "1h", "each": each}]})
    world.executed(world.started(runbook))
    with pytest.raises(NotAllowed, match=r"1 of 1 runs of this runbook.* within 1 hour; the next at "):
        world.started(runbook)
    by_api = world.client("owner")("POST", "/runs", {"runbook": "payments/hello"})
    assert by_api.status_code == (403 if each == "runbook" else 202)
    if each != "runbook":
        return
    Run.objects.update(created_at=timezone.now() - 2 * HOUR)
    assert world.started(runbook).status == "queued"


@pytest.mark.parametrize("each", list(Each))
def test_rates_of_the_installation_bind_everything(world: World, settings: LazySettings, each: Each) -> None:
    runbook, other = world.published(), world.published("other")
    settings.OPSAAS_RATES = [Rate(1, HOUR, each)]
    world.started(runbook)
    with pytest.raises(NotAllowed, match="1 of 1 runs"):
        world.started(runbook)
    if each is Each.RUNBOOK:
        world.started(other)
        return
    with pytest.raises(NotAllowed, match="1 of 1 runs by"):
        world.started(other)


def test_a_rate_that_came_between_click_and_claim_lets_the_first_through(world: World, settings: LazySettings) -> None:
    runbook = world.published()
    first, second = world.started(runbook), world.started(runbook)
    settings.OPSAAS_RATES = [Rate(1, HOUR, Each.RUNBOOK)]
    assert world.executed(second).status == "refused"
    assert world.executed(first).status == "succeeded"


def test_a_rate_that_makes_no_sense_is_refused_where_it_stands(world: World) -> None:
    for rate, pointer in [({"most": 0, "per": "1h"}, "most"), ({"most": 1, "per": "745h"}, "per")]:
        with pytest.raises(Invalid) as error:
            world.drafted(policy={"rates": [rate]})
        assert error.value.problems[0].pointer == f"/spec/policy/rates/0/{pointer}"


def maintained(world: World, node: Node, **more: Any) -> None:
    actor, now = world.actor("owner"), timezone.now()
    set_maintenance(actor=actor, node=node, reason="New disk", now=now, **more)


def test_a_node_in_maintenance_refuses_the_run_or_is_left_out_as_the_definition_says(world: World) -> None:
    nodes = fleet(world, "web1", "web2")
    careful, lenient = targeted(world), targeted(world, "lenient", maintenance="leave_out")
    queued, between = world.started(careful), world.started(lenient)
    maintained(world, nodes[0], ends_at=timezone.now() + HOUR)
    with pytest.raises(NotAllowed, match=r"web1 is in maintenance until 20.* UTC, by owner: New disk"):
        world.started(careful)
    assert world.executed(queued, Machines()).status == "refused"
    machines = Machines()
    assert world.executed(world.started(lenient), machines).status == "succeeded"
    assert machines.went == ["main web2"]
    machines = Machines()
    assert world.executed(between, machines).status == "failed"
    assert machines.went == []
    named = Request(values={}, targets=("web1",))
    with pytest.raises(NotAllowed, match="web1 is in maintenance"):
        start(actor=world.actor("runner"), runbook=lenient, request=named, now=timezone.now())
    end_maintenance(actor=world.actor("owner"), node=nodes[0], now=timezone.now())
    assert world.executed(world.started(careful), Machines()).status == "succeeded"


def test_where_all_nodes_are_left_out_nothing_is_started(world: World) -> None:
    (node,) = fleet(world, "web1")
    maintained(world, node)
    with pytest.raises(Invalid, match="in maintenance until somebody ends it"):
        world.started(targeted(world, maintenance="leave_out"))


def test_maintenance_is_set_and_ended_by_api_and_shown(world: World) -> None:
    (node,) = fleet(world, "web1")
    owner, body = world.client("owner"), {"reason": "New disk", "ends_at": (timezone.now() + HOUR).isoformat()}
    shown = owner("PUT", f"/nodes/{node.pk}/maintenance", body).json()["maintenance"]
    assert (shown["by"], shown["reason"]) == ("owner", "New disk")
    past = {**body, "ends_at": "2020-01-01T00:00:00Z"}
    assert owner("PUT", f"/nodes/{node.pk}/maintenance", past).status_code == 400
    assert owner("DELETE", f"/nodes/{node.pk}/maintenance").status_code == 204
    assert owner("GET", f"/nodes/{node.pk}").json()["maintenance"] is None


def test_who_is_entitled_breaks_the_glass_loudly_and_another_closes_the_review(world: World) -> None:
    world.group_of("runner", "owner")
    runbook = world.published(**BREAKABLE)
    frozen(world)
    run = world.executed(broken(world, runbook))
    assert run.status == "succeeded"
    review = BreakGlassReview.objects.get(run=run)
    assert "A freeze of project payments" in review.passed[0]
    assert AuditEvent.objects.filter(action="glass.broken", object_id=str(run.pk), outcome="done").exists()
    runner, owner = world.client("runner"), world.client("owner")
    close_it = f"/break-glass-reviews/{review.pk}/close"
    assert runner("POST", close_it, {"comment": "All good"}).status_code == 403
    assert owner("POST", close_it, {"comment": " "}).status_code == 400
    assert [one["run"] for one in owner("GET", "/break-glass-reviews?state=open").json()["results"]] == [str(run.pk)]
    closed = owner("POST", close_it, {"comment": "It did burn"})
    assert (closed.status_code, closed.json()["closed_by"]) == (200, "owner")
    assert world.client("auditor")("POST", close_it, {"comment": "Again"}).status_code == 409
    own = broken(world, runbook, by="owner")
    with pytest.raises(NotAllowed, match="Somebody else has to close it"):
        close(actor=world.actor("owner"), review=own.break_glass, comment="Fine", now=timezone.now())


def test_the_glass_passes_rates_and_the_hours_and_counts_of_a_grant_too(world: World, settings: LazySettings) -> None:
    world.group_of("stranger")
    runbook = world.published(**BREAKABLE)
    lent(world, {"per_hour": 1})
    broken(world, runbook, Request(values={}), by="stranger")
    settings.OPSAAS_RATES = [Rate(1, HOUR, Each.RUNBOOK)]
    run = world.executed(broken(world, runbook, by="stranger"))
    assert run.status == "succeeded"
    assert len(run.break_glass.passed) == 2


def test_a_freeze_that_was_made_after_the_glass_was_broken_is_not_passed(world: World) -> None:
    world.group_of("runner")
    runbook = world.published(**BREAKABLE)
    earlier = frozen(world)
    run = broken(world, runbook)
    Freeze.objects.create(
        project=world.project,
        reason="The database is being moved",
        starts_at=earlier.starts_at,
        made_by=world.user("owner"),
        made_at=timezone.now() + timedelta(seconds=1),
    )
    ended = world.executed(run, executor := FakeExecutor())
    assert (ended.status, executor.works) == ("refused", [])
    assert "by owner: The database is being moved" in ended.status_detail
    assert "Christmas" not in ended.status_detail


@pytest.mark.parametrize(("kind", "status"), [("agent", 403), ("api", 200)])
def test_a_person_closes_the_review_of_a_broken_glass(world: World, kind: str, status: int) -> None:
    world.group_of("runner")
    runbook = world.published(**BREAKABLE)
    frozen(world)
    review = broken(world, runbook).break_glass
    client = world.client("owner", kind=TokenKind(kind))
    answer = client("POST", f"/break-glass-reviews/{review.pk}/close", {"comment": "It did burn"})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["reasons"] == ["People decide; an agent may read: its token can't close this."]


def test_owners_and_auditors_are_told_at_once_each_once_and_what_was_passed(world: World) -> None:
    world.group_of("runner", "owner")
    runbook = world.published(**BREAKABLE)
    frozen(world)
    broken(world, runbook, by="owner")
    told = Delivery.objects.filter(event="break_glass")
    assert sorted(told.values_list("address", flat=True)) == ["auditor@example.org", "owner2@example.org"]
    one = told.first()
    assert one is not None
    assert one.subject == "[opsaas] owner broke the glass for a run of payments/hello"
    assert "It burns" in one.text
    assert "A freeze of project payments is in force" in one.text
    assert one.next_attempt_at is not None


@pytest.mark.parametrize("by", ["nobody named", "another group", "token", "service account", "unproven"])
def test_who_is_not_entitled_or_does_not_prove_it_does_not_break_the_glass(world: World, by: str) -> None:
    world.group_of("runner")
    runbook = world.published(**({} if by == "nobody named" else BREAKABLE))
    world.give("robot", world.project, "run", "view")
    frozen(world)
    actor = {"another group": "owner", "service account": "robot"}.get(by, "runner")
    request = Request(values={}, reason="It burns", breaks_glass=True, proven=by != "unproven")
    who = world.actor(actor, by="token" if by == "token" else "session")
    with pytest.raises(NotAllowed):
        start(actor=who, runbook=runbook, request=request, now=timezone.now())
    assert not Run.objects.exists()


def test_breaking_the_glass_needs_a_reason_and_never_passes_a_kill_switch_or_the_review(world: World) -> None:
    world.group_of("runner")
    runbook = world.published(**BREAKABLE)
    frozen(world)
    with pytest.raises(Invalid):
        broken(world, runbook, Request(values={}, breaks_glass=True, proven=True))
    draft = world.drafted(script="echo unseen", **BREAKABLE)
    with pytest.raises(NotAllowed, match="Only reviewed content runs"):
        broken(world, runbook, Request(values={}, reason="r", number=draft.number, breaks_glass=True, proven=True))
    switch(actor=world.actor("owner"), place=runbook, accepts=False, reason="Wrong", now=timezone.now())
    with pytest.raises(NotAllowed, match="switched off"):
        broken(world, runbook)
    assert not BreakGlassReview.objects.exists()


def test_the_api_says_that_no_token_breaks_the_glass(world: World) -> None:
    world.group_of("runner")
    world.published(**BREAKABLE)
    answer = world.client("runner")("POST", "/runs", {"runbook": "payments/hello", "reason": "r", "break_glass": True})
    assert (answer.status_code, "no token can do it" in answer.json()["reasons"][0]) == (403, True)
