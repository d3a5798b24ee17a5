"""Steps that hold no worker: how one begins, and how it ends, by a person's answer or by the scheduler's look. Those
that are other runbooks have a page of their own, `children.py`."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from runbooks.domain.conditions import FLOW, ConditionFailed, holds
from runbooks.domain.definition import Step
from runbooks.domain.pauses import LONGEST_WAIT_DAYS, Wait
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.live.append import append_events
from runbooks.models import Run, StepRun
from runbooks.usecases.runs.advance import advance, seen_by_conditions
from runbooks.usecases.runs.tell import status_event, step_event
from runbooks.usecases.versions.draft import definition_of

AT_ONCE = 500
NO_OUTPUTS: Mapping[str, str] = {}
LOOK_EVERY = timedelta(seconds=1)


def begin_pause(*, run: Run, step_run: StepRun, step: Step, now: datetime) -> None:
    """Must be called inside the transaction of the claim, which has taken the run."""
    assert step.pause is not None
    due_at = _next_look(run=run, step=step, since=now, now=now)
    changed = {"status": StepStatus.WAITING, "started_at": now, "due_at": due_at}
    StepRun.objects.filter(pk=step_run.pk, status=StepStatus.QUEUED).update(**changed)
    Run.objects.filter(pk=run.pk, status=RunStatus.RUNNING).update(status=RunStatus.WAITING)
    run.status = RunStatus.WAITING
    for name, value in changed.items():
        setattr(step_run, name, value)
    append_events(run_id=run.pk, events=[step_event(step_run), status_event(run)], now=now)


def end_pause(
    *,
    run: Run,
    step_run: StepRun,
    status: StepStatus,
    detail: str,
    exit_code: int | None,
    now: datetime,
    outputs: Mapping[str, str] = NO_OUTPUTS,
) -> bool:
    """Must be called inside a transaction that holds the run's row. Answers whether it still waited."""
    changed: dict[str, object] = {"status": status, "detail": detail, "exit_code": exit_code, "finished_at": now}
    changed |= {"due_at": None, "outputs": dict(outputs)}
    if not StepRun.objects.filter(pk=step_run.pk, status=StepStatus.WAITING).update(**changed):
        return False
    for name, value in changed.items():
        setattr(step_run, name, value)
    advance(run=run, told_before=[step_event(step_run)], now=now)
    return True


def held_run(run_id: object) -> Run:
    """The run as it is now, held against others until the transaction's end."""
    found = Run.objects.select_for_update(of=("self",)).select_related("runbook__project", "version")
    return found.get(pk=str(run_id))


def look_at_pauses(*, now: datetime) -> int:
    """Ends the pauses that are over or have taken too long."""
    due = StepRun.objects.filter(status=StepStatus.WAITING, due_at__lte=now, child_runs=None).order_by("due_at")
    return sum(_looked_at(step_run, now=now) for step_run in due[:AT_ONCE])


@transaction.atomic
def _looked_at(step_run: StepRun, *, now: datetime) -> bool:
    run = held_run(step_run.run_id)
    step = next(step for step in definition_of(run.version).steps if step.id == step_run.step)
    since = step_run.started_at or now
    status, detail = _verdict(run=run, step=step, since=since, now=now)
    if status is None:
        due_at = _next_look(run=run, step=step, since=since, now=now)
        StepRun.objects.filter(pk=step_run.pk, status=StepStatus.WAITING).update(due_at=due_at)
        return False
    code = 0 if status is StepStatus.SUCCEEDED else None
    return end_pause(run=run, step_run=step_run, status=status, detail=detail, exit_code=code, now=now)


def _verdict(*, run: Run, step: Step, since: datetime, now: datetime) -> tuple[StepStatus | None, str]:
    """How the pause has ended; None while it goes on."""
    pause = step.pause
    try:
        if isinstance(pause, Wait) and _is_over(pause, run=run, since=since, now=now):
            return StepStatus.SUCCEEDED, ""
    except ConditionFailed as error:
        return StepStatus.FAILED, str(error)
    if now >= since + timedelta(seconds=step.timeout_seconds):
        return StepStatus.TIMED_OUT, "What it waited for did not happen in time."
    return None, ""


def _is_over(wait: Wait, *, run: Run, since: datetime, now: datetime) -> bool:
    if wait.seconds is not None:
        return now >= since + timedelta(seconds=wait.seconds)
    if wait.at is not None:
        return now >= _moment(wait, run=run, since=since, now=now)
    assert wait.until is not None
    return holds(wait.until, vocabulary=FLOW, values=seen_by_conditions(run=run, now=now))


def _moment(wait: Wait, *, run: Run, since: datetime, now: datetime) -> datetime:
    """Raises ConditionFailed where it makes no sense."""
    moment = wait.moment(seen_by_conditions(run=run, now=now))
    assert moment is not None
    if moment > since + timedelta(days=LONGEST_WAIT_DAYS):
        raise ConditionFailed(f"{moment:%Y-%m-%d %H:%M} UTC is more than {LONGEST_WAIT_DAYS} days away.")
    return moment


def _next_look(*, run: Run, step: Step, since: datetime, now: datetime) -> datetime:
    pause = step.pause
    if isinstance(pause, Wait) and pause.until is not None:
        return now + LOOK_EVERY
    if isinstance(pause, Wait) and pause.at is not None:
        try:
            return _moment(pause, run=run, since=since, now=now)
        except ConditionFailed:
            return now  # the look says so
    seconds = pause.seconds if isinstance(pause, Wait) and pause.seconds is not None else step.timeout_seconds
    return since + timedelta(seconds=seconds)
