"""The end of a step run: one guarded, fenced move, and what follows from it, in one transaction."""

from datetime import datetime

from django.db import transaction

from runbooks import outbox
from runbooks.domain.ports import Outcome, OutcomeKind, StopReason
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.live.append import FenceLost, NewEvent, append_events
from runbooks.models import Run, StepRun
from runbooks.usecases.runs.claim import Claim
from runbooks.usecases.runs.end import end_run
from runbooks.usecases.runs.tell import step_event

RUN_STATUS = {
    StepStatus.FAILED: RunStatus.FAILED,
    StepStatus.TIMED_OUT: RunStatus.TIMED_OUT,
    StepStatus.CANCELLED: RunStatus.CANCELLED,
    StepStatus.LOST: RunStatus.LOST,
}


def finish(*, claim: Claim, outcome: Outcome, output_complete: bool, now: datetime) -> None:
    """Raises FenceLost where the claim no longer holds: then somebody else has written the end."""
    status = status_of(outcome)
    with transaction.atomic():
        ended = _end_step(claim=claim, outcome=outcome, status=status, now=now)
        run = Run.objects.select_for_update(of=("self",)).select_related("runbook__project").get(pk=claim.run.pk)
        if not output_complete:
            Run.objects.filter(pk=run.pk).update(output_complete=False)
            run.output_complete = False
        if status is StepStatus.SUCCEEDED:
            _go_on(run=run, ended=ended, now=now)
        else:
            end_run(
                run=run,
                status=RUN_STATUS[status],
                detail=outcome.detail,
                exit_code=outcome.exit_code,
                told_before=[ended],
                now=now,
            )


def status_of(outcome: Outcome) -> StepStatus:
    match outcome.kind:
        case OutcomeKind.EXITED:
            return StepStatus.SUCCEEDED if outcome.exit_code == 0 else StepStatus.FAILED
        case OutcomeKind.NOT_STARTED:
            return StepStatus.FAILED
        case OutcomeKind.TIMED_OUT:
            return StepStatus.TIMED_OUT
        case OutcomeKind.STOPPED if outcome.stop_reason is StopReason.CANCELLED:
            return StepStatus.CANCELLED
        case _:
            return StepStatus.LOST


def _end_step(*, claim: Claim, outcome: Outcome, status: StepStatus, now: datetime) -> NewEvent:
    step_run = claim.step_run
    ending = {
        "status": status,
        "finished_at": now,
        "lease_until": None,
        "exit_code": outcome.exit_code,
        "detail": outcome.detail,
        "outputs": dict(outcome.outputs),
        "summary": outcome.summary,
    }
    mine = StepRun.objects.filter(pk=step_run.pk, fence=claim.key.fence, status=StepStatus.RUNNING)
    if not mine.update(**ending):
        raise FenceLost("the lease of this step run was lost: its end is no longer taken")
    for field, value in ending.items():
        setattr(step_run, field, value)
    return step_event(step_run)


def _go_on(*, run: Run, ended: NewEvent, now: datetime) -> None:
    """The next step, or the end. A cancel that came between two steps is heard here."""
    if run.cancel_requested_at:
        detail = "Cancelled between two steps."
        end_run(run=run, status=RunStatus.CANCELLED, detail=detail, told_before=[ended], now=now)
        return
    following = run.step_runs.filter(status=StepStatus.PENDING).order_by("index").first()
    if following is None:
        end_run(run=run, status=RunStatus.SUCCEEDED, exit_code=0, told_before=[ended], now=now)
        return
    StepRun.objects.filter(pk=following.pk, status=StepStatus.PENDING).update(status=StepStatus.QUEUED, hinted_at=now)
    following.status = StepStatus.QUEUED
    append_events(run_id=run.pk, events=[ended, step_event(following)], now=now)
    outbox.send(task=outbox.EXECUTE, object_id=following.pk)
