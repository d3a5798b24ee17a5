"""What the scheduler does for runs, straight on the database: nothing queued is forgotten, nothing lost is hidden."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from runbooks import outbox
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.models import Run, StepRun
from runbooks.models.ids import first_id_of
from runbooks.usecases.runs.end import end_run
from runbooks.usecases.runs.settle import fail_unstarted, held, settle
from runbooks.usecases.runs.tell import step_event

AT_ONCE = 500
UNSTARTED = {
    RunStatus.QUEUED: "No worker took it in time; nothing was started.",
    RunStatus.AWAITING_APPROVAL: "Its approvals did not come together in time; nothing was started.",
}
LOST = (
    "The worker vanished while this step ran. Nothing of it runs any more; whether it had done its work is not known. "
    "Check what it should have changed before you run it again."
)


def hint_again(*, now: datetime) -> int:
    """Sends hints for steps whose first the broker did not take, and for those that have been waiting for long: it may
    have lost theirs. Answers how many."""
    patience = timedelta(seconds=2 * settings.OPSAAS_SWEEP_SECONDS)
    waiting = Q(status=StepStatus.QUEUED, run__status__in=[RunStatus.QUEUED, RunStatus.RUNNING])
    in_time = Q(hinted_at__gte=now - patience, hinted_at__lte=now + patience)  # later still: a clock was set back
    unheard = Q(hinted_at=None) | ~in_time
    quiet = StepRun.objects.filter(waiting, unheard).order_by(F("hinted_at").asc(nulls_first=True))
    found = list(quiet.values_list("pk", "zone")[:AT_ONCE])
    return sum(_hint(step_run_id, zone, unheard, now) for step_run_id, zone in found)


@transaction.atomic
def _hint(step_run_id: UUID, zone: str, unheard: Q, now: datetime) -> bool:
    """Unless another sweeper was quicker."""
    if not StepRun.objects.filter(unheard, pk=step_run_id).update(hinted_at=now):
        return False
    outbox.hint_step(step_run_id, zone=zone)
    return True


def expire(*, now: datetime) -> int:
    """Ends runs that nobody started in time, by the database's clock: that of this machine may be wrong."""
    late = Run.objects.filter(status__in=UNSTARTED, expires_at__lte=Now()).select_related("runbook__project")
    ended = 0
    for run in late[:AT_ONCE]:
        with transaction.atomic():
            still = Run.objects.select_for_update().filter(pk=run.pk, status=run.status, expires_at__lte=Now())
            if not still.only("pk"):
                continue  # it was approved or taken at the last moment
            detail = UNSTARTED[RunStatus(run.status)]
            ended += end_run(run=run, status=RunStatus.EXPIRED, detail=detail, now=now)
    return ended


def reap(*, now: datetime) -> int:
    """Ends step runs whose lease has run out, by the database's clock: their warden has killed the script by then."""
    dead = StepRun.objects.filter(status=StepStatus.RUNNING, lease_until__lt=Now())
    dead = dead.select_related("run__runbook__project", "run__version")
    return sum(_bury(step_run=step_run, now=now) for step_run in dead[:AT_ONCE])


@transaction.atomic
def _bury(*, step_run: StepRun, now: datetime) -> bool:
    still_dead = StepRun.objects.filter(
        pk=step_run.pk, status=StepStatus.RUNNING, fence=step_run.fence, lease_until__lt=Now()
    )
    if not still_dead.update(status=StepStatus.LOST, finished_at=now, lease_until=None, detail=LOST):
        return False
    step_run.status, step_run.finished_at, step_run.detail = StepStatus.LOST, now, LOST
    step_run.run.output_complete = False  # the worker may have died with some in its hands
    Run.objects.filter(pk=step_run.run_id).update(output_complete=False)
    if step_run.part_of_id:  # on other nodes it may still run
        settle(step_run=step_run, run=held(step_run.run), ended=step_event(step_run), now=now)
        return True
    end_run(run=step_run.run, status=RunStatus.LOST, detail=LOST, told_before=[step_event(step_run)], now=now)
    return True


def give_up_on_nodes(*, now: datetime) -> int:
    """Ends what has waited for too long for a worker of its zone, so that the run can end."""
    patience = timedelta(seconds=settings.OPSAAS_QUEUE_SECONDS)
    late = StepRun.objects.filter(status=StepStatus.QUEUED, part_of__isnull=False, pk__lt=first_id_of(now - patience))
    late = late.select_related("run__runbook__project", "run__version")
    return sum(_given_up(part=part, now=now) for part in late[:AT_ONCE])


@transaction.atomic
def _given_up(*, part: StepRun, now: datetime) -> bool:
    detail = f"No worker of the zone “{part.zone}” took it in time." if part.zone else "No worker took it in time."
    return fail_unstarted(part=part, run=held(part.run), detail=detail, now=now)
