"""What the scheduler does for runs, straight on the database: nothing queued is forgotten, nothing lost is hidden."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from runbooks import outbox
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.models import OutboxMessage, Run, StepRun
from runbooks.usecases.runs.end import end_run
from runbooks.usecases.runs.tell import step_event

AT_ONCE = 500
LOST = (
    "The worker vanished while this step ran. Nothing of it runs any more; whether it had done its work is not known. "
    "Check what it should have changed before you run it again."
)


def hint_again(*, now: datetime) -> int:
    """Sends hints for steps that have been waiting for long: a broker may have lost the first."""
    patience = timedelta(seconds=2 * settings.OPSAAS_SWEEP_SECONDS)
    waiting = Q(status=StepStatus.QUEUED, run__status__in=[RunStatus.QUEUED, RunStatus.RUNNING])
    quiet = StepRun.objects.filter(waiting, hinted_at__lt=now - patience).order_by("hinted_at")
    for step_run_id in list(quiet.values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            StepRun.objects.filter(pk=step_run_id).update(hinted_at=now)
            if not OutboxMessage.objects.filter(task=outbox.EXECUTE, object_id=str(step_run_id)).exists():
                outbox.send(task=outbox.EXECUTE, object_id=step_run_id)
    return outbox.republish(now=now, older_than=timedelta(seconds=settings.OPSAAS_SWEEP_SECONDS / 2))


def expire(*, now: datetime) -> int:
    """Ends runs that nobody started in time."""
    late = Run.objects.filter(status=RunStatus.QUEUED, expires_at__lte=now).select_related("runbook__project")
    ended = 0
    for run in late[:AT_ONCE]:
        with transaction.atomic():
            detail = "No worker took it in time; nothing was started."
            ended += end_run(run=run, status=RunStatus.EXPIRED, detail=detail, now=now)
    return ended


def reap(*, now: datetime) -> int:
    """Ends step runs whose lease has run out, by the database's clock: their warden has killed the script by then."""
    dead = StepRun.objects.filter(status=StepStatus.RUNNING, lease_until__lt=Now())
    return sum(_bury(step_run=step_run, now=now) for step_run in dead.select_related("run__runbook__project")[:AT_ONCE])


@transaction.atomic
def _bury(*, step_run: StepRun, now: datetime) -> bool:
    still_dead = StepRun.objects.filter(
        pk=step_run.pk, status=StepStatus.RUNNING, fence=step_run.fence, lease_until__lt=Now()
    )
    if not still_dead.update(status=StepStatus.LOST, finished_at=now, lease_until=None, detail=LOST):
        return False
    step_run.status, step_run.finished_at, step_run.detail = StepStatus.LOST, now, LOST
    end_run(run=step_run.run, status=RunStatus.LOST, detail=LOST, told_before=[step_event(step_run)], now=now)
    return True
