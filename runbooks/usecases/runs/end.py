"""The end of a run: one guarded move, then everything that follows from it, in the caller's transaction."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from runbooks.audit.record import record
from runbooks.domain.states import RUN_MOVES, RUN_NEVER_STARTED, RunStatus, StepStatus
from runbooks.models import Run, StepRun
from runbooks.usecases.notifications.announce_use import announce_use
from runbooks.usecases.runs.tell import status_event, step_event


def end_run(*, run_id: UUID, status: RunStatus, now: datetime, detail: str = "", exit_code: int | None = None) -> bool:
    """Must be called inside a transaction. Answers whether this call ended the run."""
    before = [old for old, news in RUN_MOVES.items() if status in news]
    moved = Run.objects.filter(pk=run_id, status__in=before).update(
        status=status, status_detail=detail, finished_at=now, exit_code=exit_code
    )
    if not moved:
        return False
    run = Run.objects.select_related("runbook__project", "requested_by", "version").get(pk=run_id)
    _skip_the_rest(run=run, now=now)
    status_event(run=run, now=now)
    details = {"status": status, "exit_code": exit_code, "output_bytes": run.output_bytes}
    record(actor=None, action=_action(status), thing=run, reason=detail, details=details, now=now)
    if run.started_at:
        announce_use(run=run, now=now)
    return True


def _action(status: RunStatus) -> str:
    return f"run.{status}" if status in RUN_NEVER_STARTED or status is RunStatus.LOST else "run.finished"


def _skip_the_rest(*, run: Run, now: datetime) -> None:
    waiting = Q(run=run, status__in=[StepStatus.PENDING, StepStatus.QUEUED])
    for step_run in StepRun.objects.filter(waiting):
        step_run.status, step_run.finished_at = StepStatus.SKIPPED, now
        if StepRun.objects.filter(waiting, pk=step_run.pk).update(status=StepStatus.SKIPPED, finished_at=now):
            step_event(step_run=step_run, now=now)
