"""The end of a run: one guarded move, then everything that follows from it, in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from runbooks import outbox
from runbooks.audit.record import record
from runbooks.domain.states import RUN_MOVES, RUN_NEVER_STARTED, RunStatus, StepStatus
from runbooks.live.append import NewEvent, append_events
from runbooks.models import Run, StepRun
from runbooks.models.prepared import Prepared
from runbooks.models.rows import Sql, move
from runbooks.usecases.runs.concurrency import hint_next
from runbooks.usecases.runs.tell import status_event, step_event

NOT_STARTED = Prepared(
    lambda run: StepRun.objects.filter(run=run, status__in=[StepStatus.PENDING, StepStatus.QUEUED]), Run._meta.pk
)


def end_run(
    *,
    run: Run,
    status: RunStatus,
    now: datetime,
    detail: str = "",
    exit_code: int | None = None,
    told_before: Sequence[NewEvent] = (),
) -> bool:
    """Must be called inside a transaction. Answers whether this call ended the run; then RUN tells how.

    TOLD_BEFORE are events of the same transaction that watchers hear first.
    """
    before = [old for old, news in RUN_MOVES.items() if status in news]
    ending = {"status": status, "status_detail": detail, "finished_at": now, "exit_code": exit_code}
    last = Sql("event_seq + %s", len(told_before) + 1)
    ended = move(
        Run, where={"id": run.pk, "status": before}, values={**ending, "event_seq": last}, returning="event_seq"
    )
    if not ended:
        return False
    for field, value in ending.items():
        setattr(run, field, value)
    skipped = _skip_the_rest(run=run, now=now)
    events = [*told_before, *skipped, status_event(run)]
    append_events(run_id=run.pk, events=events, now=now, last=None if skipped else ended[0])
    details = {"status": status, "exit_code": exit_code}
    record(actor=None, action=_action(status), thing=run, reason=detail, details=details, now=now)
    hint_next(run)
    if run.parent_step_id:
        outbox.hint_settle(run.parent_step_id)
    return True


def _action(status: RunStatus) -> str:
    return f"run.{status}" if status in RUN_NEVER_STARTED or status is RunStatus.LOST else "run.finished"


def _skip_the_rest(*, run: Run, now: datetime) -> list[NewEvent]:
    waiting = Q(status__in=[StepStatus.PENDING, StepStatus.QUEUED])
    events = []
    for step_run in NOT_STARTED(run.pk):
        step_run.status, step_run.finished_at = StepStatus.SKIPPED, now
        if StepRun.objects.filter(waiting, pk=step_run.pk).update(status=StepStatus.SKIPPED, finished_at=now):
            events.append(step_event(step_run))
    return events
