"""What waits for its moment, straight on the database: no worker sleeps for it, and no restart forgets it."""

from datetime import datetime

from django.db import transaction

from runbooks.domain.states import RunStatus, StepStatus
from runbooks.live.append import append_events
from runbooks.models import Run, StepRun
from runbooks.usecases.runs.advance import queue

AT_ONCE = 500


def queue_due(*, now: datetime) -> int:
    """Queues the attempts whose delay is over."""
    due = StepRun.objects.filter(status=StepStatus.PENDING, due_at__lte=now).order_by("due_at")
    return sum(_queued(step_run, now=now) for step_run in due[:AT_ONCE])


@transaction.atomic
def _queued(step_run: StepRun, *, now: datetime) -> bool:
    held = Run.objects.select_for_update().filter(pk=step_run.run_id, status=RunStatus.RUNNING)
    if not held or not StepRun.objects.filter(pk=step_run.pk, status=StepStatus.PENDING).exists():
        return False  # another scheduler was quicker, or the run was cancelled
    append_events(run_id=step_run.run_id, events=[queue(step_run, now=now)], now=now)
    return True
