"""The end of a step run: one guarded, fenced move, and what follows from it, in one transaction."""

from datetime import datetime

from django.db import transaction

from runbooks import outbox
from runbooks.domain.ports import Outcome, OutcomeKind, StopReason
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.live.append import FenceLost
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
        _end_step(claim=claim, outcome=outcome, status=status, now=now)
        if not output_complete:
            Run.objects.filter(pk=claim.run.pk).update(output_complete=False)
        if status is StepStatus.SUCCEEDED:
            _go_on(claim=claim, now=now)
        else:
            end_run(
                run_id=claim.run.pk,
                status=RUN_STATUS[status],
                detail=outcome.detail,
                exit_code=outcome.exit_code,
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


def _end_step(*, claim: Claim, outcome: Outcome, status: StepStatus, now: datetime) -> None:
    mine = StepRun.objects.filter(pk=claim.step_run.pk, fence=claim.key.fence, status=StepStatus.RUNNING)
    won = mine.update(
        status=status,
        finished_at=now,
        lease_until=None,
        exit_code=outcome.exit_code,
        detail=outcome.detail,
        outputs=dict(outcome.outputs),
        summary=outcome.summary,
    )
    if not won:
        raise FenceLost("the lease of this step run was lost: its end is no longer taken")
    claim.step_run.refresh_from_db()
    step_event(step_run=claim.step_run, now=now)


def _go_on(*, claim: Claim, now: datetime) -> None:
    """The next step, or the end. A cancel that came between two steps is heard here."""
    run = Run.objects.select_for_update().get(pk=claim.run.pk)
    if run.cancel_requested_at:
        end_run(run_id=run.pk, status=RunStatus.CANCELLED, detail="Cancelled between two steps.", now=now)
        return
    following = run.step_runs.filter(status=StepStatus.PENDING).order_by("index").first()
    if following is None:
        end_run(run_id=run.pk, status=RunStatus.SUCCEEDED, exit_code=0, now=now)
        return
    StepRun.objects.filter(pk=following.pk, status=StepStatus.PENDING).update(status=StepStatus.QUEUED, hinted_at=now)
    following.refresh_from_db()
    step_event(step_run=following, now=now)
    outbox.send(task=outbox.EXECUTE, object_id=following.pk)
