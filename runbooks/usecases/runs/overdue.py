"""Steps that are other runbooks and have taken longer than they may: their runs are cancelled."""

from datetime import datetime, timedelta

from django.db import transaction

from runbooks.domain.states import RUN_FINAL, StepStatus
from runbooks.models import StepRun
from runbooks.usecases.runs.cancel import cancel_children
from runbooks.usecases.runs.children import OVERDUE
from runbooks.usecases.runs.pause import held_run

AT_ONCE = 500
LOOK_AGAIN = timedelta(minutes=1)  # until everything of it has ended


def cancel_overdue(*, now: datetime) -> int:
    due = StepRun.objects.filter(status=StepStatus.WAITING, due_at__lte=now, child_runs__isnull=False)
    return sum(_cancelled(step_run, now=now) for step_run in due.order_by("due_at")[:AT_ONCE])


@transaction.atomic
def _cancelled(step_run: StepRun, *, now: datetime) -> bool:
    held_run(step_run.run_id)
    open_children = step_run.child_runs.exclude(status__in=RUN_FINAL)
    StepRun.objects.filter(pk=step_run.pk, status=StepStatus.WAITING).update(due_at=now + LOOK_AGAIN)
    return cancel_children(children=open_children, actor=None, detail=OVERDUE, now=now) > 0
