"""Going on with a run: what the workflow says follows, written in the caller's transaction.

Called when a step has ended on all its nodes, and when something was asked of the run; never for one node of many.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from runbooks import outbox
from runbooks.domain import workflow
from runbooks.domain.plan import read_plan
from runbooks.domain.policy import words
from runbooks.domain.ports import JsonValue
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.domain.workflow import Change, End, Next, Retry, what_next
from runbooks.live.append import NewEvent, append_events
from runbooks.models import Run, StepRun
from runbooks.usecases.runs.end import end_run
from runbooks.usecases.runs.facts import Latest, facts_of, latest_of
from runbooks.usecases.runs.tell import status_event, step_event
from runbooks.usecases.versions.draft import definition_of

BETWEEN_STEPS = "Cancelled between two steps."


def advance(
    *,
    run: Run,
    now: datetime,
    told_before: Sequence[NewEvent] = (),
    cancel_detail: str = "",
    unasked: str = "",
) -> None:
    """Must be called inside a transaction that holds the run's row, with RUN as that row is.

    TOLD_BEFORE are events of the same transaction that watchers hear first. UNASKED is a step that was queued before
    its condition was asked.
    """
    latest, told = _looked(run=run, now=now, unasked=unasked)
    events = [*told_before, *_written(told=told, run=run, latest=latest, now=now)]
    if told.end:
        detail = run.status_detail or _detail(told.end, latest=latest, cancel_detail=cancel_detail)
        end = told.end
        end_run(run=run, status=end.status, detail=detail, exit_code=end.exit_code, told_before=events, now=now)
        return
    if told.main:
        run.main_status = told.main.status
        run.status_detail = _detail(told.main, latest=latest, cancel_detail=cancel_detail)
        run.save(update_fields=["main_status", "status_detail"])
    if events:
        append_events(run_id=run.pk, events=events, now=now)


def is_wanted(*, run: Run, step: str, now: datetime) -> bool:
    """Whether the step that was queued first is the one to begin with, by its condition."""
    return _looked(run=run, now=now, unasked=step)[1].queued == step


def seen_by_conditions(*, run: Run, now: datetime) -> dict[str, JsonValue | datetime]:
    return workflow.seen_by_conditions(_facts(run=run, latest=latest_of(run), now=now))


def _facts(*, run: Run, latest: Latest, now: datetime) -> workflow.Facts:
    return facts_of(run=run, latest=latest, values=read_plan(bytes(run.plan)).values, now=now)


def _looked(*, run: Run, now: datetime, unasked: str) -> tuple[Latest, Next]:
    latest = latest_of(run)
    if unasked:
        latest[unasked].status = StepStatus.PENDING
    facts = _facts(run=run, latest=latest, now=now)
    return latest, what_next(definition=definition_of(run.version), facts=facts)


def _written(*, told: Next, run: Run, latest: Latest, now: datetime) -> list[NewEvent]:
    """What the workflow said of single steps."""
    events = [_back_to_work(run)] if run.status == RunStatus.WAITING and told != Next() else []
    for changes, status in [
        (told.skipped, StepStatus.SKIPPED),
        (told.broken, StepStatus.FAILED),
        (told.stopped, StepStatus.CANCELLED),
    ]:
        events += [_ended(latest[change.step], change=change, status=status, now=now) for change in changes]
    if told.retry:
        events.append(_again(latest[told.retry.step], retry=told.retry, now=now))
    if told.queued:
        events.append(queue(latest[told.queued], now=now))
    return events


def queue(step_run: StepRun, *, now: datetime) -> NewEvent:
    """From now on a worker may claim it."""
    changed = {"status": StepStatus.QUEUED, "hinted_at": now, "due_at": None}
    _change(step_run, before=[StepStatus.PENDING], changed=changed)
    outbox.hint_step(step_run.pk)
    return step_event(step_run)


def _again(failed: StepRun, *, retry: Retry, now: datetime) -> NewEvent:
    """The next attempt: a row of its own, which waits in the database until it is due."""
    due_at = now + timedelta(seconds=retry.delay_seconds)
    step_run = StepRun.objects.create(
        run_id=failed.run_id,
        index=failed.index,
        step=failed.step,
        attempt=retry.attempt,
        cleanup=failed.cleanup,
        containment=failed.containment,
        due_at=due_at,
        detail=f"Attempt {retry.attempt} of {retry.most}, not before {due_at:%H:%M:%S} UTC.",
    )
    return step_event(step_run) if retry.delay_seconds else queue(step_run, now=now)


def _ended(step_run: StepRun, *, change: Change, status: StepStatus, now: datetime) -> NewEvent:
    changed = {"status": status, "detail": change.reason, "finished_at": now, "due_at": None}
    before = [StepStatus.PENDING, StepStatus.QUEUED, StepStatus.WAITING]
    _change(step_run, before=before, changed=changed)
    return step_event(step_run)


def _change(step_run: StepRun, *, before: Sequence[StepStatus], changed: Mapping[str, object]) -> None:
    """The run's row is held, and so is the way of each step out of BEFORE."""
    moved = StepRun.objects.filter(pk=step_run.pk, status__in=before).update(**changed)
    assert moved, f"step run {step_run.pk} is no longer {before}"
    for name, value in changed.items():
        setattr(step_run, name, value)


def _back_to_work(run: Run) -> NewEvent:
    Run.objects.filter(pk=run.pk, status=RunStatus.WAITING).update(status=RunStatus.RUNNING)
    run.status = RunStatus.RUNNING
    return status_event(run)


def _detail(end: End, *, latest: Latest, cancel_detail: str) -> str:
    culprit = latest.get(end.culprit)
    if end.status is RunStatus.CANCELLED:
        return cancel_detail or (culprit.detail if culprit else "") or BETWEEN_STEPS
    if culprit and culprit.cleanup:
        return f"The cleanup step “{culprit.step}” {words(culprit.status)}. {culprit.detail}".rstrip()
    return culprit.detail if culprit else ""
