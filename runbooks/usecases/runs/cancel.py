"""Stopping a run: one that has not started never will; one that runs is told, and its worker kills it."""

from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.access.rights import rights_on
from runbooks.audit.record import record
from runbooks.domain.policy import cancel_of, words
from runbooks.domain.states import RUN_FINAL, RunStatus, StepStatus
from runbooks.models import Run
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.end import end_run


def cancel(*, actor: Actor, run: Run, now: datetime) -> None:
    """Asking twice is no error. Raises NotAllowed, and Conflict where the run has ended."""
    held = rights_on(actor=actor, place=run.runbook, now=now)
    limited_to_less = bool(actor.scopes) and "run" not in actor.scopes
    is_requester = run.requested_by_id == actor.user.pk and not limited_to_less
    decision = cancel_of(is_requester=is_requester, rights=held)
    require(decision, action="run.cancel_requested", thing=run)
    if run.status in RUN_FINAL:
        raise Conflict(f"The run has ended already: {words(run.status)}.", code="already_ended")
    with transaction.atomic():
        asked = Run.objects.filter(pk=run.pk, cancel_requested_at=None).exclude(status__in=RUN_FINAL)
        if not asked.update(cancel_requested_at=now, cancel_requested_by=actor.user):
            return
        record(actor=actor, action="run.cancel_requested", thing=run, now=now)
        if not run.step_runs.filter(status=StepStatus.RUNNING).exists():
            end_run(run=run, status=RunStatus.CANCELLED, detail=f"Cancelled by {actor.name}.", now=now)
    run.refresh_from_db(fields=["status", "cancel_requested_at"])
