"""Stopping a run: one that has not started never will; one that runs is told, and its worker kills it."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.access.rights import rights_on
from runbooks.audit.record import record
from runbooks.domain.policy import cancel_of, words
from runbooks.domain.states import RUN_FINAL, RunStatus, StepStatus
from runbooks.models import Run
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.advance import advance
from runbooks.usecases.runs.children import settle_child
from runbooks.usecases.runs.end import end_run
from runbooks.usecases.runs.fan_out import stop_waiting


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
        if _asked(run=run, now=now, actor=actor):
            _heed(run=run, actor=actor, detail=f"Cancelled by {actor.name}.", now=now)
    run.refresh_from_db(fields=["status", "cancel_requested_at", "cleanup_cancelled_at"])


def _asked(*, actor: Actor, run: Run, now: datetime) -> bool:
    """Whether this says anything new. Only once the cleanup has begun does a second cancel stop that as well: who
    clicks twice has not asked for it."""
    still = Run.objects.filter(pk=run.pk).exclude(status__in=RUN_FINAL)
    if still.filter(cancel_requested_at=None).update(cancel_requested_at=now, cancel_requested_by=actor.user):
        record(actor=actor, action="run.cancel_requested", thing=run, now=now)
        return True
    cleaning = still.filter(main_status__isnull=False, cleanup_cancelled_at=None)
    if cleaning.update(cleanup_cancelled_at=now):
        record(actor=actor, action="run.cancel_requested", thing=run, details={"cleanup": True}, now=now)
        return True
    return False


def cancel_children(*, children: QuerySet[Run], actor: Actor | None, detail: str, now: datetime) -> int:
    """Must be called inside a transaction that holds the row of the run that they are steps of. Without an actor it is
    the system's own act. Answers how many were not asked to end before."""
    asked = 0
    for child in children.select_related("runbook__project"):
        still = Run.objects.filter(pk=child.pk, cancel_requested_at=None).exclude(status__in=RUN_FINAL)
        if not still.update(cancel_requested_at=now, cancel_requested_by=actor.user if actor else None):
            continue
        details = {"parent": str(child.parent_id)}
        record(actor=actor, action="run.cancel_requested", thing=child, reason=detail, details=details, now=now)
        _heed(run=child, actor=actor, detail=detail, now=now)
        settle_child(step_run_id=child.parent_step_id, now=now)
        asked += 1
    return asked


def _heed(*, run: Run, actor: Actor | None, detail: str, now: datetime) -> None:
    """What a worker holds it stops itself, and writes the end; all else ends here, and in the runs that are steps."""
    held = Run.objects.select_related("runbook__project", "version").get(pk=run.pk)
    if held.status in {RunStatus.QUEUED, RunStatus.AWAITING_APPROVAL}:
        end_run(run=held, status=RunStatus.CANCELLED, detail=detail, now=now)
    else:
        told = stop_waiting(run=held, now=now)
        advance(run=held, cancel_detail=detail, told_before=told, now=now)
        if held.main_status is None or held.cleanup_cancelled_at:
            below = Run.objects.filter(parent_step__run=held.pk, parent_step__status=StepStatus.WAITING)
            cancel_children(children=below, actor=actor, detail=detail, now=now)
