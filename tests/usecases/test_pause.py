"""Steps that hold no worker: questions to people, and waits."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from runbooks.domain.ports import Level, Outcome, OutcomeKind
from runbooks.models import AuditEvent, Run
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.pause import look_at_pauses
from tests.usecases.test_workflow import Scripted, executed, stand, steps
from tests.world import World

ASK = {"id": "look", "manual": {"ask": "Is it **0**?", "evidence": "note"}}


def pausing(*given: dict[str, Any] | str) -> list[dict[str, Any]]:
    """A step that is a pause has no script."""
    return [step if isinstance(step, dict) and {"manual", "wait"} & set(step) else steps(step)[0] for step in given]


def waiting(world: World, *given: dict[str, Any] | str, **spec: Any) -> Run:
    run = executed(world, world.started(world.published(steps=pausing(*given), **spec)), Scripted())
    assert run.status == "waiting"
    return run


def answer(world: World, run: Run, *, by: str = "runner", step: str = "look", **said: Any) -> Any:
    step_run = run.step_runs.get(step=step)
    return world.client(by)("POST", f"/runs/{run.pk}/steps/{step_run.pk}/complete", said)


def test_a_run_waits_for_an_answer_without_a_worker_and_goes_on_after_it(world: World) -> None:
    run = waiting(world, "drain", ASK, "restart")
    assert stand(run) == {"drain/1": "succeeded", "look/1": "waiting", "restart/1": "pending"}
    given = answer(world, run, verdict="approve", note="It is 0.")
    assert (given.status_code, given.json()["status"]) == (202, "running")
    executor = Scripted()
    run = executed(world, run, executor)
    assert (run.status, executor.ran) == ("succeeded", ["restart"])
    assert run.step_runs.get(step="look").detail == "runner said it is done: It is 0."
    event = AuditEvent.objects.get(action="run.step_completed", object_id=str(run.pk))
    assert event.actor_name == "runner"


def test_a_run_of_a_question_alone_is_allowed_started_and_ended_like_any_other(world: World) -> None:
    run = waiting(world, ASK)
    answer(world, run, verdict="approve", note="Fine.")
    run.refresh_from_db()
    assert (run.status, run.exit_code) == ("succeeded", 0)
    actions = AuditEvent.objects.filter(object_id=str(run.pk)).values_list("action", flat=True)
    assert {"run.requested", "run.started", "run.finished", "run.step_completed"} <= set(actions)


def test_a_no_fails_the_step_and_what_follows_is_that_of_any_failure(world: World) -> None:
    run = waiting(world, ASK, "restart", "undo", cleanup=["undo"])
    answer(world, run, verdict="reject", note="It is 7.")
    executor = Scripted()
    run = executed(world, run, executor)
    assert (run.status, run.exit_code, executor.ran) == ("failed", 1, ["undo"])
    assert run.status_detail == "runner said it has failed: It is 7."


def test_an_answer_needs_its_note_the_right_to_run_and_a_question(world: World) -> None:
    run = waiting(world, ASK)
    assert answer(world, run, verdict="approve").json()["errors"][0]["pointer"] == "/note"
    assert answer(world, run, by="author", verdict="approve", note="x").status_code == 403
    assert answer(world, run, by="stranger", verdict="approve", note="x").status_code == 404
    assert answer(world, run, verdict="perhaps", note="x").status_code == 400
    assert answer(world, run, verdict="approve", note="x", evidence="y").json()["errors"][0]["pointer"] == "/evidence"
    assert answer(world, run, verdict="approve", note="x").status_code == 202
    assert answer(world, run, verdict="reject", note="x").json()["code"] == "not_waiting"


def test_a_question_that_nobody_answers_times_out(world: World) -> None:
    run = waiting(world, {**ASK, "timeout": "1h"})
    assert look_at_pauses(now=timezone.now() + timedelta(minutes=59)) == 0
    assert look_at_pauses(now=timezone.now() + timedelta(minutes=61)) == 1
    run.refresh_from_db()
    assert (run.status, run.status_detail) == ("timed_out", "What it waited for did not happen in time.")


def test_a_waiting_run_is_cancelled_at_once_and_cleans_up(world: World) -> None:
    run = waiting(world, ASK, "undo", cleanup=["undo"])
    cancel(actor=world.actor("runner"), run=run, now=timezone.now())
    executor = Scripted()
    run = executed(world, run, executor)
    assert (run.status, executor.ran) == ("cancelled", ["undo"])
    assert run.step_runs.get(step="look").status == "cancelled"


def test_a_wait_is_over_after_its_time(world: World) -> None:
    run = waiting(world, {"id": "settle", "wait": {"for": "90s"}}, "verify")
    assert look_at_pauses(now=timezone.now() + timedelta(seconds=80)) == 0
    assert look_at_pauses(now=timezone.now() + timedelta(seconds=91)) == 1
    assert executed(world, run, Scripted()).status == "succeeded"


@pytest.mark.parametrize(
    ("until", "status"),
    [('now > timestamp("2020-01-01T00:00:00Z")', "succeeded"), ('steps.a.outputs.gone == "x"', "failed")],
)
def test_a_wait_is_over_when_its_condition_holds_and_fails_where_it_can_not_be_evaluated(
    world: World, until: str, status: str
) -> None:
    run = waiting(world, "a", {"id": "settle", "wait": {"until": until}})
    assert look_at_pauses(now=timezone.now() + timedelta(seconds=2)) == 1
    run.refresh_from_db()
    assert run.status == status


def test_a_condition_that_does_not_hold_yet_is_looked_at_again_until_the_timeout(world: World) -> None:
    until = {"until": 'now > timestamp("2999-01-01T00:00:00Z")'}
    run = waiting(world, {"id": "settle", "wait": until, "timeout": "1m"})
    assert look_at_pauses(now=timezone.now() + timedelta(seconds=2)) == 0
    assert look_at_pauses(now=timezone.now() + timedelta(seconds=70)) == 1
    run.refresh_from_db()
    assert run.status == "timed_out"


WINDOW = [{"name": "window", "type": "datetime"}]


@pytest.mark.parametrize("wait", ["params.window", "timestamp(params.window)", "{}"])
def test_a_wait_for_a_moment_is_over_once_it_has_come(world: World, wait: str) -> None:
    moment = timezone.now() + timedelta(hours=30)
    text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    step = {"id": "window", "wait": {"at": text if wait == "{}" else wait}}
    runbook = world.published(steps=pausing(step), parameters=WINDOW)
    run = executed(world, world.started(runbook, {"window": text}), Scripted())
    assert look_at_pauses(now=moment - timedelta(seconds=5)) == 0
    assert look_at_pauses(now=moment + timedelta(seconds=1)) == 1
    run.refresh_from_db()
    assert run.status == "succeeded"


def test_a_moment_that_has_passed_is_no_wait(world: World) -> None:
    run = waiting(world, {"id": "window", "wait": {"at": "2020-01-01T00:00:00Z"}})
    assert look_at_pauses(now=timezone.now()) == 1
    run.refresh_from_db()
    assert run.status == "succeeded"


@pytest.mark.parametrize(
    ("wait", "why"),
    [
        ("2999-01-01T00:00:00Z", "2999-01-01 00:00 UTC is more than 31 days away."),
        ("steps.a.outputs.left", "“steps.a.outputs.left” gives no moment here: 0"),
        ("steps.a.outputs.gone", "“steps.a.outputs.gone” can't be evaluated"),
    ],
)
def test_a_moment_that_makes_no_sense_fails_the_step_and_says_why(world: World, wait: str, why: str) -> None:
    run = waiting(world, "a", {"id": "window", "wait": {"at": wait}})
    assert look_at_pauses(now=timezone.now()) == 1
    run.refresh_from_db()
    assert run.status == "failed"
    assert run.status_detail.startswith(why)


def test_the_page_tells_how_scripts_were_contained_and_nothing_of_pauses(world: World) -> None:
    contained = Outcome(kind=OutcomeKind.EXITED, exit_code=0, level=Level.FULL)
    run = world.started(world.published(steps=pausing("drain", ASK, "after")))
    executed(world, run, Scripted(drain=contained))
    shown = world.browser("runner").get(f"/runs/{run.pk}")
    assert [one["level"] for one in shown.context["contained"]] == ["full"]


def test_the_page_asks_and_takes_the_answer(world: World) -> None:
    run = waiting(world, ASK)
    browser, page = world.browser("runner"), f"/runs/{run.pk}"
    shown = browser.get(page).content.decode()
    assert "Is it <strong>0</strong>?" in shown
    address = f"{page}/steps/{run.step_runs.get().pk}/complete"
    assert address in shown
    assert address not in world.browser("author").get(page).content.decode()
    assert browser.post(address, {"verdict": "approve", "note": ""}).status_code == 302
    browser.post(address, {"verdict": "approve", "note": "Seen."})
    run.refresh_from_db()
    assert run.status == "succeeded"
