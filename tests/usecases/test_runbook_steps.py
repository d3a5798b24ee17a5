"""Other runbooks as steps: a run of its own each, with its own permission, frozen with the whole."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from runbooks.domain.ports import Lease, Outcome, OutcomeKind, StopReason, Work
from runbooks.domain.problems import Invalid
from runbooks.models import AuditEvent, Grant, Run, Runbook, StepRun
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.children import settle_child, settle_children
from runbooks.usecases.runs.claim import claim
from runbooks.usecases.runs.due import queue_due
from runbooks.usecases.runs.overdue import cancel_overdue
from runbooks.usecases.runs.resume import resume
from runbooks.usecases.runs.start import Request, start
from runbooks.usecases.runs.sweep import reap
from tests.models.test_guards import key, refused
from tests.usecases.test_workflow import FAILED, Scripted, stand, steps
from tests.world import World

HOST = [{"name": "host", "type": "string", "default": "web1"}]


def calling(path: str = "payments/inner", **fields: Any) -> dict[str, Any]:
    """A step that runs another runbook."""
    more: dict[str, Any] = {
        name: fields.pop(name) for name in ("when", "retries", "on_failure", "timeout") if name in fields
    }
    return {"id": fields.pop("id", "other"), "runbook": {"path": path, **fields}, **more}


def outer(world: World, *given: dict[str, Any] | str, slug: str = "outer", **spec: Any) -> Runbook:
    mixed = [step if isinstance(step, dict) and "runbook" in step else steps(step)[0] for step in given]
    return world.published(slug, steps=mixed, **spec)


def inner(world: World, *given: dict[str, Any] | str, slug: str = "inner", **spec: Any) -> Runbook:
    return world.published(slug, steps=steps(*(given or ("main",))), **spec)


def gone_on(world: World, executor: Scripted | None = None, *, settle: bool = True) -> Scripted:
    """Until no step of any run is queued and every end has been carried up."""
    executor = executor or Scripted()
    while True:
        queued = StepRun.objects.filter(status="queued").order_by("pk").first()
        if queued:
            world.executed(queued.run, executor)
        elif not (settle and settle_children(now=timezone.now())):
            return executor


def child_of(run: Run) -> Run:
    return Run.objects.get(parent=run)


def again(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def test_another_runbook_runs_as_a_run_of_its_own_and_hands_its_outputs_back(world: World) -> None:
    inner(world, parameters=HOST)
    after = {"id": "after", "when": 'steps.other.outputs.left == "0"'}
    values = {"host": {"from": "params.host + steps.first.outputs.left"}}
    run = world.started(outer(world, "first", calling(parameters=values), after, parameters=HOST))
    executor = gone_on(world, settle=False)
    assert again(run).status == "waiting"
    child = child_of(run)
    assert (child.parameters, child.trigger, child.requested_by.username) == ({"host": "web10"}, "runbook", "runner")
    assert child.parent_step == run.step_runs.get(step="other")
    gone_on(world, executor)
    assert executor.ran == ["first", "main", "after"]
    assert (again(run).status, stand(run)["other/1"]) == ("succeeded", "succeeded")
    assert run.step_runs.get(step="other").outputs == {"left": "0"}
    assert AuditEvent.objects.filter(action="run.requested", object_id=str(child.pk)).count() == 1


def test_what_somebody_may_not_read_does_not_come_back_through_a_runbook_of_their_own(world: World) -> None:
    private = inner(world)
    mine = outer(world, calling(), {"id": "after", "when": "has(steps.other.outputs.left)"})
    world.give("stranger", private, "run")
    world.give("stranger", mine, "run", "see_output")
    run = world.started(mine, by="stranger")
    executor = gone_on(world)
    step_run = run.step_runs.get(step="other")
    assert (step_run.outputs, executor.ran) == ({}, ["main"])
    assert "may not read" in step_run.detail
    assert world.client("stranger")("GET", f"/runs/{child_of(run).pk}").json()["outputs"] == {}


def test_what_a_run_is_a_step_of_never_changes(world: World) -> None:
    inner(world)
    run = world.started(outer(world, calling()))
    gone_on(world)
    for column in ("parent_id", "parent_step_id"):
        assert refused(f"UPDATE runbooks_run SET {column} = NULL WHERE parent_id = %s", key(run))


def test_no_worker_is_held_and_a_hint_that_comes_fifty_times_starts_one_child(world: World) -> None:
    inner(world)
    run = world.started(outer(world, calling()))
    step_run = run.step_runs.get()
    for _ in range(50):
        assert claim(step_run_id=str(step_run.pk), worker="w", now=timezone.now()) is None
    step_run.refresh_from_db()
    assert (step_run.status, step_run.worker, step_run.lease_until) == ("waiting", "", None)
    assert Run.objects.filter(parent=run).count() == 1


def test_the_version_is_frozen_with_the_whole_and_runs_although_another_took_its_place(world: World) -> None:
    old = inner(world).versions.get()
    run = world.started(outer(world, "first", calling()))
    inner(world, "changed")
    assert json.loads(bytes(run.plan))["runbooks"] == {
        "other": {"runbook": "payments/inner", "number": 1, "version": old.hash}
    }
    executor = gone_on(world)
    assert (again(run).status, executor.ran) == ("succeeded", ["first", "main"])
    assert child_of(run).version == old


def test_a_pinned_version_runs_also_after_it_was_superseded_but_one_never_published_does_not(world: World) -> None:
    inner(world)
    inner(world, "changed")
    run = world.started(outer(world, calling(version=1)))
    assert gone_on(world).ran == ["main"]
    assert again(run).status == "succeeded"
    world.approved("inner", steps=steps("third"))
    answer = world.client("runner")("POST", "/runs", {"runbook": outer(world, calling(version=3), slug="x").path})
    assert answer.status_code == 403
    assert "Version 3 of it was never published: it is approved." in answer.json()["reasons"][0]


def test_whoever_asks_needs_the_right_to_run_it_too_and_is_told_before_anything_starts(world: World) -> None:
    inner(world)
    runbook = outer(world, "first", calling())
    world.give("stranger", runbook, "view", "run")
    ask = {"runbook": runbook.path}
    hidden = world.client("stranger")("POST", "/runs", ask)
    absent = outer(world, calling("payments/nowhere"), slug="lost")
    gone = world.client("runner")("POST", "/runs", {"runbook": absent.path})
    for answer, path in ((hidden, "payments/inner"), (gone, "payments/nowhere")):
        assert answer.status_code == 403
        assert answer.json()["reasons"] == [f"Its step “other” runs {path}: there is none, or you may not see it."]
    world.give("stranger", Runbook.objects.get(slug="inner"), "view")
    seen = world.client("stranger")("POST", "/runs", ask)
    assert seen.json()["reasons"][0].startswith("Its step “other” runs payments/inner. This needs the right “run”")
    assert not Run.objects.exists()
    assert AuditEvent.objects.filter(action="run.requested", outcome="denied").count() == 3


def test_the_right_is_asked_again_when_the_step_begins(world: World) -> None:
    book = inner(world)
    runbook = outer(world, "first", calling(), {"id": "after"})
    for place in (book, runbook):
        world.give("stranger", place, "view", "run")
    run = world.started(runbook, by="stranger")
    Grant.objects.filter(runbook=book).update(revoked_at=timezone.now())
    executor = gone_on(world)
    assert (again(run).status, executor.ran) == ("failed", ["first"])
    assert "payments/inner was not started." in again(run).status_detail
    assert not Run.objects.filter(parent=run).exists()
    assert AuditEvent.objects.filter(action="run.requested", outcome="denied", actor_name="stranger").exists()


def test_a_right_that_goes_between_the_request_and_the_claim_refuses_the_child(world: World) -> None:
    book = inner(world)
    runbook = outer(world, calling())
    for place in (book, runbook):
        world.give("stranger", place, "view", "run")
    run = world.started(runbook, by="stranger")
    assert claim(step_run_id=str(run.step_runs.get().pk), worker="w", now=timezone.now()) is None
    Grant.objects.filter(runbook=book).update(revoked_at=timezone.now())
    gone_on(world)
    assert (child_of(run).status, again(run).status) == ("refused", "failed")


def test_a_circle_is_refused_with_its_way(world: World) -> None:
    with pytest.raises(Invalid):
        outer(world, calling("payments/outer"))
    inner(world, slug="a")
    outer(world, calling("payments/a"), slug="b")
    world.published("a", steps=[calling("payments/b")])
    for slug, way in (("a", "a runs payments/b runs payments/a"), ("b", "b runs payments/a runs payments/b")):
        answer = world.client("runner")("POST", "/runs", {"runbook": f"payments/{slug}"})
        assert answer.json()["reasons"] == [f"It would never come to an end: payments/{way}."]


def test_depth_has_an_end(world: World) -> None:
    inner(world, slug="n0")
    for number in range(1, 7):
        outer(world, calling(f"payments/n{number - 1}"), slug=f"n{number}")
    assert world.client("runner")("POST", "/runs", {"runbook": "payments/n5"}).status_code == 202
    answer = world.client("runner")("POST", "/runs", {"runbook": "payments/n6"})
    assert "more than 5 deep" in answer.json()["reasons"][0]
    gone_on(world)
    assert set(Run.objects.values_list("status", flat=True)) == {"succeeded"}
    assert Run.objects.count() == 6


def test_what_it_takes_is_compared_before_anything_starts(world: World) -> None:
    secret = {"name": "password", "type": "secret"}
    inner(world, parameters=[{"name": "host", "type": "string"}, secret])
    answer = world.client("runner")("POST", "/runs", {"runbook": outer(world, calling(parameters={"x": 1})).path})
    assert [reason.removeprefix("Its step “other” runs payments/inner. ") for reason in answer.json()["reasons"]] == [
        "It has no parameter x.",
        "It needs a value for host, which the step does not give.",
        "It asks for the secret value password, which a step can't hand on.",
    ]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"host": 3}, "payments/inner was not started. parameters/host: This must be text."),
        ({"host": {"from": "steps.first.outputs.gone"}}, "payments/inner was not started. “steps.first.outputs.gone”"),
    ],
)
def test_values_that_it_does_not_take_fail_the_step_and_say_so(world: World, given: Any, why: str) -> None:
    inner(world, parameters=HOST)
    run = world.started(outer(world, "first", calling(parameters=given)))
    gone_on(world)
    assert again(run).status == "failed"
    assert again(run).status_detail.startswith(why)


def test_one_of_high_risk_asks_for_the_reason_of_the_whole_and_is_told_it(world: World) -> None:
    inner(world, risk="high")
    runbook = outer(world, calling())
    answer = world.client("runner")("POST", "/runs", {"runbook": runbook.path})
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [("/reason", "required")]
    request = Request(values={}, reason="The queue is stuck.")
    run = start(actor=world.actor("runner"), runbook=runbook, request=request, now=timezone.now())
    gone_on(world)
    assert child_of(run).reason == "The queue is stuck."


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (FAILED, "failed", 3),
        (Outcome(kind=OutcomeKind.TIMED_OUT), "timed_out", None),
        (Outcome(kind=OutcomeKind.STOPPED, stop_reason=StopReason.SHUTDOWN), "lost", None),
    ],
)
def test_the_end_of_the_child_is_that_of_the_step(world: World, outcome: Outcome, status: str, code: Any) -> None:
    inner(world)
    run = world.started(outer(world, calling(), {"id": "after"}))
    executor = gone_on(world, Scripted(main=outcome))
    assert (again(run).status, again(run).exit_code, executor.ran) == (status, code, ["main"])
    assert f"Run {child_of(run).pk} of payments/inner {status.replace('_', ' ')}" in again(run).status_detail


def test_why_the_child_ended_so_is_not_told_to_those_who_see_the_parent(world: World) -> None:
    inner(world)
    run = world.started(outer(world, calling()))
    gone_on(world, settle=False)
    Run.objects.filter(parent=run).update(status_detail="Somebody's words about what is frozen.")
    gone_on(world)
    child = child_of(run)
    assert run.step_runs.get(step="other").detail == f"Run {child.pk} of payments/inner."


def test_retries_conditions_and_handlers_are_those_of_other_steps(world: World) -> None:
    inner(world)
    retried = calling(retries={"count": 1, "delay": "10s"}, on_failure={"go_to": "undo"})
    run = world.started(outer(world, calling(id="never", when="false"), retried, {"id": "undo"}))
    executor = gone_on(world, Scripted(main=FAILED))
    assert stand(run) == {"never/1": "skipped", "other/1": "failed", "other/2": "pending", "undo/1": "pending"}
    queue_due(now=timezone.now() + timedelta(seconds=11))
    gone_on(world, executor)
    assert (again(run).status, executor.ran) == ("failed", ["main", "main", "undo"])
    assert Run.objects.filter(parent=run).count() == 2


def test_a_cancel_goes_down_and_the_whole_ends_when_nothing_of_it_runs_any_more(world: World) -> None:
    inner(world)
    outer(world, calling(), slug="middle")
    run = world.started(outer(world, calling("payments/middle"), {"id": "after"}))

    def stopped(work: Work, lease: Lease) -> None:
        cancel(actor=world.actor("runner"), run=again(run), now=timezone.now())
        assert set(Run.objects.values_list("status", flat=True)) == {"waiting", "running"}

    cancelled = Outcome(kind=OutcomeKind.STOPPED, stop_reason=StopReason.CANCELLED)
    gone_on(world, Scripted(during=stopped, main=cancelled))
    assert set(Run.objects.values_list("status", flat=True)) == {"cancelled"}
    assert Run.objects.filter(cancel_requested_by__username="runner").count() == 3
    asked = AuditEvent.objects.filter(action="run.cancel_requested", actor_name="runner")
    assert asked.count() == 3


def test_a_cancel_ends_at_once_what_has_not_started(world: World) -> None:
    inner(world)
    run = world.started(outer(world, calling(), {"id": "after"}))
    claim(step_run_id=str(run.step_runs.get(step="other").pk), worker="w", now=timezone.now())
    cancel(actor=world.actor("runner"), run=again(run), now=timezone.now())
    assert (child_of(run).status, again(run).status) == ("cancelled", "cancelled")
    assert gone_on(world).ran == []


def test_one_that_takes_too_long_is_cancelled_and_the_step_has_timed_out(world: World) -> None:
    book = [{"id": "look", "manual": {"ask": "Fine?"}}]
    world.published("inner", steps=book)
    run = world.started(outer(world, calling(timeout="1m")))
    gone_on(world)
    assert cancel_overdue(now=timezone.now() + timedelta(seconds=50)) == 0
    later = timezone.now() + timedelta(seconds=70)
    assert cancel_overdue(now=later) == 1
    assert (child_of(run).status, again(run).status) == ("cancelled", "timed_out")


def test_who_cancels_the_child_itself_cancels_the_step(world: World) -> None:
    world.published("inner", steps=[{"id": "look", "manual": {"ask": "Fine?"}}])
    run = world.started(outer(world, calling(), {"id": "after"}))
    gone_on(world)
    cancel(actor=world.actor("owner"), run=child_of(run), now=timezone.now())
    gone_on(world)
    assert (again(run).status, stand(run)) == ("cancelled", {"other/1": "cancelled", "after/1": "skipped"})


def test_a_resumed_run_goes_on_with_the_child_where_it_had_failed_and_in_the_same_version(world: World) -> None:
    inner(world, "one", "two", parameters=HOST)
    run = world.started(outer(world, "first", calling(parameters={"host": {"from": "steps.first.outputs.left"}})))
    gone_on(world, Scripted(two=FAILED))
    inner(world, "changed", parameters=HOST)
    resumed = resume(actor=world.actor("runner"), run=again(run), now=timezone.now())
    executor = gone_on(world)
    assert (again(resumed).status, executor.ran) == ("succeeded", ["two"])
    assert child_of(resumed).resumed_from == child_of(run)
    assert child_of(resumed).version.number == 1


def test_an_end_whose_hint_was_lost_is_found_and_carried_up_once(world: World) -> None:
    inner(world)
    run = world.started(outer(world, calling()))
    gone_on(world, settle=False)
    assert (child_of(run).status, again(run).status) == ("succeeded", "waiting")
    step_run = run.step_runs.get()
    assert [settle_child(step_run_id=step_run.pk, now=timezone.now()) for _ in range(3)] == [True, False, False]
    assert settle_children(now=timezone.now()) == 0
    assert again(run).status == "succeeded"


def test_the_end_of_a_child_sends_a_hint(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent = []

    def publish(task: str, arguments: dict[str, str], *, zone: str = "") -> bool:
        sent.append((task, arguments))
        return True

    monkeypatch.setattr("runbooks.outbox._publish", publish)
    inner(world)
    run = world.started(outer(world, calling()))
    with django_capture_on_commit_callbacks(execute=True):
        gone_on(world, settle=False)
    assert ("runbooks.settle", {"id": str(run.step_runs.get().pk)}) in sent


def test_both_are_shown_on_both_pages_and_by_the_api(world: World) -> None:
    book = inner(world)
    runbook = outer(world, calling())
    run = world.started(runbook)
    gone_on(world)
    child, client = child_of(run), world.client("runner")
    assert client("GET", f"/runs/{child.pk}").json()["parent_run"] == str(run.pk)
    [step] = client("GET", f"/runs/{run.pk}/steps").json()["results"]
    assert step["child"] == str(child.pk)
    browser = world.browser("runner")
    assert f'href="/runs/{child.pk}"' in browser.get(f"/runs/{run.pk}").content.decode()
    assert f'href="/runs/{run.pk}"' in browser.get(f"/runs/{child.pk}").content.decode()
    world.give("stranger", runbook, "view")
    assert f'href="/runs/{child.pk}"' not in world.browser("stranger").get(f"/runs/{run.pk}").content.decode()
    world.give("stranger", book, "view")
    Grant.objects.filter(runbook=runbook).update(revoked_at=timezone.now())
    assert f'href="/runs/{run.pk}"' not in world.browser("stranger").get(f"/runs/{child.pk}").content.decode()
    plan = world.client("runner")("POST", "/runs", {"runbook": runbook.path, "dry_run": True}).json()["plan"]
    assert plan["runbooks"]["other"]["number"] == 1
    shown = browser.get(f"/runbooks/{runbook.path}").content.decode()
    assert "payments/inner" in shown


def test_a_lost_worker_of_the_child_loses_the_whole(world: World) -> None:
    inner(world)
    run = world.started(outer(world, calling(), {"id": "after"}))
    claim(step_run_id=str(run.step_runs.get(step="other").pk), worker="w", now=timezone.now())
    claim(step_run_id=str(child_of(run).step_runs.get().pk), worker="w", now=timezone.now())
    long_ago = datetime(2020, 1, 1, tzinfo=timezone.get_current_timezone())
    StepRun.objects.filter(run__parent=run).update(lease_until=long_ago)
    assert reap(now=timezone.now()) == 1
    gone_on(world)
    assert (child_of(run).status, again(run).status) == ("lost", "lost")
