"""The way through the steps, with everything but the scripts: what is written, and what survives."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from runbooks.domain.ports import Lease, Outcome, OutcomeKind, StopReason, Work
from runbooks.domain.problems import Invalid
from runbooks.models import AuditEvent, Run, RunEvent
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.due import queue_due
from runbooks.usecases.runs.execute import execute
from runbooks.usecases.runs.resume import resume
from runbooks.usecases.runs.sweep import expire
from tests.world import FakeExecutor, FakeHost, World

FAILED = Outcome(kind=OutcomeKind.EXITED, exit_code=3, detail="It broke.")


class Scripted(FakeExecutor):
    """Ends each step as ENDS says of its id: an exit code, or an outcome; 0 where it says nothing."""

    def __init__(self, during: Callable[[Work, Lease], None] = lambda work, lease: None, **ends: Any) -> None:
        super().__init__(during=during)
        self.ends = ends

    def execute(self, *, work: Work, **more: Any) -> Outcome:
        end = self.ends.get(work.step_id, 0)
        if isinstance(end, list):
            end = end.pop(0)
        exited = Outcome(kind=OutcomeKind.EXITED, exit_code=end, outputs={"left": "0"}) if isinstance(end, int) else end
        self.outcome = exited
        return super().execute(work=work, **more)

    @property
    def ran(self) -> list[str]:
        return [work.step_id for work in self.works]


def steps(*given: dict[str, Any] | str) -> list[dict[str, Any]]:
    named = [{"id": step} if isinstance(step, str) else step for step in given]
    return [{"interpreter": ["sh"], "script": "true", **step} for step in named]


def executed(world: World, run: Run, executor: Scripted) -> Run:
    """Until nothing is queued any more."""
    while run.step_runs.filter(status="queued").exists():
        run = world.executed(run, executor)
    run.refresh_from_db()
    return run


def stand(run: Run) -> dict[str, str]:
    return {f"{step.step}/{step.attempt}": step.status for step in run.step_runs.all()}


def test_a_step_runs_only_where_its_condition_holds(world: World) -> None:
    conditional = {"id": "restart", "when": 'steps.drain.outputs.left == "1"'}
    run = world.started(world.published(steps=steps("drain", conditional, "verify")))
    executor = Scripted()
    run = executed(world, run, executor)
    assert (run.status, executor.ran) == ("succeeded", ["drain", "verify"])
    assert run.step_runs.get(step="restart").detail == 'Its condition is false: steps.drain.outputs.left == "1"'


def test_the_condition_of_the_first_step_is_asked_at_the_claim(world: World) -> None:
    parameters = [{"name": "full", "type": "boolean", "default": False}]
    runbook = world.published(steps=steps({"id": "drain", "when": "params.full"}, "verify"), parameters=parameters)
    executor = Scripted()
    run = executed(world, world.started(runbook), executor)
    assert (run.status, run.exit_code, executor.ran) == ("succeeded", 0, ["verify"])
    executor = Scripted()
    assert executed(world, world.started(runbook, {"full": True}), executor).status == "succeeded"
    assert executor.ran == ["drain", "verify"]


def test_a_script_gets_what_the_steps_before_have_handed_on(world: World) -> None:
    executor = Scripted(b=FAILED)
    run = executed(world, world.started(world.published(steps=steps("a", "b"))), executor)
    first, second = executor.works
    assert first.secret_files == {}
    assert json.loads(second.secret_files["OPSAAS_OUTPUTS_FILE"]) == {"a": {"left": "0"}}
    executor = Scripted()
    executed(world, resume(actor=world.actor("runner"), run=run, now=timezone.now()), executor)
    assert json.loads(executor.works[0].secret_files["OPSAAS_OUTPUTS_FILE"]) == {"a": {"left": "0"}}


def test_a_run_whose_only_step_is_not_wanted_starts_and_succeeds(world: World) -> None:
    run = world.started(world.published(steps=steps({"id": "a", "when": "false"})))
    executor = Scripted()
    run = executed(world, run, executor)
    assert (run.status, run.exit_code, executor.ran) == ("succeeded", 0, [])
    actions = AuditEvent.objects.filter(object_id=str(run.pk)).order_by("time", "id").values_list("action", flat=True)
    assert list(actions) == ["run.requested", "run.started", "run.finished"]


def test_a_condition_that_can_not_be_evaluated_fails_the_run_and_says_why(world: World) -> None:
    run = world.started(world.published(steps=steps("a", {"id": "b", "when": 'steps.a.outputs.gone == "1"'}, "c")))
    run = executed(world, run, Scripted())
    assert (run.status, stand(run)) == ("failed", {"a/1": "succeeded", "b/1": "failed", "c/1": "skipped"})
    assert "steps.a.outputs.gone" in run.status_detail


def test_a_failed_step_is_tried_again_after_its_delay_by_the_scheduler(world: World) -> None:
    retried = {"id": "a", "retries": {"count": 2, "delay": "10s"}}
    run = world.started(world.published(steps=steps(retried, "b")))
    executor = Scripted(a=[FAILED, FAILED, 0])
    before = timezone.now()
    run = executed(world, run, executor)
    assert (run.status, stand(run)) == ("running", {"a/1": "failed", "a/2": "pending", "b/1": "pending"})
    assert run.step_runs.get(step="a", attempt=2).detail.startswith("Attempt 2 of 3, not before ")
    assert queue_due(now=before + timedelta(seconds=9)) == 0
    assert queue_due(now=timezone.now() + timedelta(seconds=10)) == 1
    assert queue_due(now=timezone.now() + timedelta(seconds=10)) == 0
    run = executed(world, run, executor)
    assert queue_due(now=before + timedelta(seconds=19)) == 0
    assert queue_due(now=timezone.now() + timedelta(seconds=20)) == 1
    run = executed(world, run, executor)
    assert (run.status, run.exit_code) == ("succeeded", 0)
    assert [work.attempt for work in executor.works] == [1, 2, 3, 1]


def test_without_a_delay_the_next_attempt_is_queued_at_once(world: World) -> None:
    run = world.started(world.published(steps=steps({"id": "a", "retries": {"count": 1}})))
    executor = Scripted(a=[FAILED, FAILED])
    run = executed(world, run, executor)
    assert (run.status, run.exit_code, run.status_detail) == ("failed", 3, "It broke.")
    assert stand(run) == {"a/1": "failed", "a/2": "failed"}


def test_a_lost_step_is_never_tried_again_and_nothing_follows(world: World) -> None:
    runbook = world.published(steps=steps({"id": "a", "retries": {"count": 2}}, "undo"), cleanup=["undo"])
    run = executed(world, world.started(runbook), Scripted(a=Outcome(kind=OutcomeKind.VANISHED)))
    assert not run.output_complete
    assert (run.status, stand(run)) == ("lost", {"a/1": "lost", "undo/1": "skipped"})


def test_a_handler_runs_in_place_of_the_rest(world: World) -> None:
    given = steps({"id": "a", "on_failure": {"go_to": "undo"}}, "b", "undo")
    executor = Scripted(a=FAILED)
    run = executed(world, world.started(world.published(steps=given)), executor)
    assert (run.status, run.exit_code, executor.ran) == ("failed", 3, ["a", "undo"])
    executor = Scripted()
    run = executed(world, world.started(world.published("other", steps=given)), executor)
    assert (run.status, executor.ran) == ("succeeded", ["a", "b"])


def test_a_failure_that_does_not_stop_the_run_still_fails_it(world: World) -> None:
    executor = Scripted(a=FAILED)
    given = steps({"id": "a", "on_failure": "continue"}, "b")
    run = executed(world, world.started(world.published(steps=given)), executor)
    assert (run.status, run.exit_code, executor.ran) == ("failed", 3, ["a", "b"])


@pytest.mark.parametrize(
    ("end", "undone", "status", "code", "detail"),
    [
        (0, 0, "succeeded", 0, ""),
        (FAILED, 0, "failed", 3, "It broke."),
        (Outcome(kind=OutcomeKind.TIMED_OUT), 0, "timed_out", None, ""),
        (FAILED, 4, "failed", 3, "It broke."),
        (0, 4, "failed", 4, "The cleanup step “undo” failed."),
    ],
)
def test_the_cleanup_runs_whatever_happened_and_the_end_is_that_of_the_rest(
    world: World, end: Any, undone: int, *, status: str, code: int | None, detail: str
) -> None:
    executor = Scripted(a=end, undo=undone)
    runbook = world.published(steps=steps("a", "undo", "tidy"), cleanup=["undo", "tidy"])
    run = executed(world, world.started(runbook), executor)
    assert (run.status, run.exit_code, run.status_detail) == (status, code, detail)
    assert executor.ran == ["a", "undo", "tidy"]
    assert RunEvent.objects.filter(run=run, kind="status", data__status=status).count() == 1


STOPPED = Outcome(kind=OutcomeKind.STOPPED, stop_reason=StopReason.CANCELLED, exit_code=143)


def test_a_cancelled_run_cleans_up_and_a_second_cancel_stops_that_too(world: World) -> None:
    runbook = world.published(steps=steps("a", "undo", "tidy"), cleanup=["undo", "tidy"])
    run, runner = world.started(runbook), world.actor("runner")

    def twice(work: Work, lease: Lease) -> None:
        ask(run, runner)
        ask(run, runner)  # a double click asks for nothing more

    only_next(run, Scripted(during=twice, a=STOPPED))
    run = executed(world, run, Scripted())
    assert (run.status, run.exit_code) == ("cancelled", 143)
    assert stand(run) == {"a/1": "cancelled", "undo/1": "succeeded", "tidy/1": "succeeded"}


def test_a_second_cancel_stops_the_cleanup_too(world: World) -> None:
    runbook = world.published(steps=steps("a", "undo", "tidy"), cleanup=["undo", "tidy"])
    run, runner = world.started(runbook), world.actor("runner")
    only_next(run, Scripted(during=lambda work, lease: ask(run, runner), a=STOPPED))
    assert stand(run) == {"a/1": "cancelled", "undo/1": "queued", "tidy/1": "pending"}
    ask(run, runner)
    run.refresh_from_db()
    assert (run.status, stand(run)) == ("cancelled", {"a/1": "cancelled", "undo/1": "skipped", "tidy/1": "skipped"})
    told = AuditEvent.objects.filter(object_id=str(run.pk), action="run.cancel_requested")
    assert told.count() == 2


def test_a_cancel_while_a_retry_is_due_later_ends_the_run_at_once(world: World) -> None:
    run = world.started(world.published(steps=steps({"id": "a", "retries": {"count": 1, "delay": "1h"}}, "b")))
    executed(world, run, Scripted(a=FAILED))
    ask(run, world.actor("runner"))
    run.refresh_from_db()
    assert (run.status, run.status_detail) == ("cancelled", "Cancelled by runner.")
    assert stand(run) == {"a/1": "failed", "a/2": "skipped", "b/1": "skipped"}
    assert queue_due(now=timezone.now() + timedelta(hours=2)) == 0


def ask(run: Run, actor: Any) -> None:
    cancel(actor=actor, run=Run.objects.get(pk=run.pk), now=timezone.now())


def only_next(run: Run, executor: Scripted) -> None:
    step_run = run.step_runs.get(status="queued")
    execute(step_run_id=str(step_run.pk), host=FakeHost(executor), clock=timezone.now)


HOST = [{"name": "host", "type": "string"}]


def test_a_second_run_with_the_same_key_is_refused_and_told_who_has_it(world: World) -> None:
    runbook = world.published(parameters=HOST, concurrency={"key": "params.host"})
    first = world.started(runbook, {"host": "db1"})
    world.started(runbook, {"host": "db2"})
    with pytest.raises(Conflict) as told:
        world.started(runbook, {"host": "db1"})
    assert told.value.code == "concurrent_run"
    assert str(first.pk) in str(told.value)
    assert "runner" in str(told.value)
    answer = world.client("runner")("POST", "/runs", {"runbook": "payments/hello", "parameters": {"host": "db1"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "concurrent_run")
    executed(world, first, Scripted())
    assert world.started(runbook, {"host": "db1"}).concurrency_key == "db1"


def test_a_queued_run_waits_for_the_holder_of_its_key_and_goes_on_when_that_has_ended(world: World) -> None:
    runbook = world.published(parameters=HOST, concurrency={"key": "params.host", "on_conflict": "queue"})
    first, second, third = (world.started(runbook, {"host": "db1"}) for _ in range(3))
    for later in (second, third):
        executor = Scripted()
        only_next(later, executor)
        assert (stand(later), executor.ran) == ({"main/1": "queued"}, [])
    for run in (first, second, third):
        assert executed(world, run, Scripted()).status == "succeeded"


def test_a_run_that_waits_for_a_key_expires_like_any_other(world: World) -> None:
    runbook = world.published(parameters=HOST, concurrency={"key": "params.host", "on_conflict": "queue"})
    _, second = (world.started(runbook, {"host": "db1"}) for _ in range(2))
    Run.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert expire(now=timezone.now()) == 2
    second.refresh_from_db()
    assert second.status == "expired"


def test_values_that_make_no_key_are_refused_at_their_place(world: World) -> None:
    optional = [{"name": "host", "type": "string", "required": False}]
    runbook = world.published(parameters=optional, concurrency={"key": "params.host"})
    with pytest.raises(Invalid) as told:
        world.started(runbook)
    assert [(problem.pointer, problem.code) for problem in told.value.problems] == [("/parameters", "no_key")]
    with pytest.raises(Invalid):
        world.started(runbook, {"host": "x" * 300})


def test_a_failed_run_is_resumed_from_its_first_failed_step_with_what_was_handed_on(world: World) -> None:
    given = steps("drain", {"id": "restart", "when": 'steps.drain.outputs.left == "0"'}, "verify", "undo")
    run = world.started(world.published(steps=given, cleanup=["undo"]))
    run = executed(world, run, Scripted(restart=FAILED))
    assert run.status == "failed"
    resumed = resume(actor=world.actor("runner"), run=run, now=timezone.now())
    assert (resumed.resumed_from, resumed.version, resumed.parameters) == (run, run.version, run.parameters)
    executor = Scripted()
    resumed = executed(world, resumed, executor)
    assert (resumed.status, executor.ran) == ("succeeded", ["restart", "verify", "undo"])
    carried = resumed.step_runs.get(step="drain")
    assert (carried.status, carried.outputs, carried.carried_from) == (
        "skipped", {"left": "0"}, run.step_runs.get(step="drain"),
    )  # fmt: skip


def test_a_resumed_run_that_fails_again_is_resumed_again(world: World) -> None:
    run = world.started(world.published(steps=steps("a", "b", "c")))
    run = executed(world, run, Scripted(b=FAILED))
    again = executed(world, resume(actor=world.actor("runner"), run=run, now=timezone.now()), Scripted(c=FAILED))
    assert stand(again) == {"a/1": "skipped", "b/1": "succeeded", "c/1": "failed"}
    executor = Scripted()
    last = executed(world, resume(actor=world.actor("runner"), run=again, now=timezone.now()), executor)
    assert (last.status, executor.ran) == ("succeeded", ["c"])
    assert last.step_runs.get(step="a").carried_from == run.step_runs.get(step="a")


def test_a_run_that_was_cancelled_between_two_steps_is_resumed_at_the_next(world: World) -> None:
    run = world.started(world.published(steps=steps("a", "b")))
    only_next(run, Scripted(during=lambda work, lease: ask(run, world.actor("runner"))))
    run.refresh_from_db()
    assert (run.status, stand(run)) == ("cancelled", {"a/1": "succeeded", "b/1": "skipped"})
    executor = Scripted()
    resumed = executed(world, resume(actor=world.actor("runner"), run=run, now=timezone.now()), executor)
    assert (resumed.status, executor.ran) == ("succeeded", ["b"])


def test_there_is_nothing_to_resume_of_a_run_that_goes_on_has_succeeded_or_never_started(world: World) -> None:
    runbook = world.published()
    run = world.started(runbook)
    never = world.started(runbook)
    Run.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    expire(now=timezone.now())
    never.refresh_from_db()
    run = world.started(runbook)
    for refused in (run, never, executed(world, run, Scripted())):
        with pytest.raises(Conflict) as told:
            resume(actor=world.actor("runner"), run=refused, now=timezone.now())
        assert told.value.code == "not_resumable"
