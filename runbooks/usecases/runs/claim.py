"""Claiming a step run: the one place where work starts, and it starts once."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Now

from runbooks.access.actors import Actor
from runbooks.access.rights import judged, rights_on
from runbooks.audit.record import record
from runbooks.domain.definition import Definition, Step
from runbooks.domain.plan import Plan, read_plan
from runbooks.domain.policy import YES, Decision, no, start_of
from runbooks.domain.states import RunStatus, StepStatus, VersionState
from runbooks.live.append import StepKey, append_events
from runbooks.models import INSTALLATION_ID, Installation, Review, Run, StepRun, Version
from runbooks.usecases.runs.end import end_run
from runbooks.usecases.runs.tell import status_event, step_event
from runbooks.usecases.versions.draft import definition_of


@dataclass(frozen=True)
class Claim:
    """A step run that is ours, until its lease ends."""

    key: StepKey
    step_run: StepRun
    run: Run
    step: Step
    plan: Plan


class _LostTheRace(Exception):
    """Somebody else claimed it, or it is no longer to be run."""


def claim(*, step_run_id: str, worker: str, now: datetime) -> Claim | None:
    """None where there is nothing (more) to do: that is how a hint delivered fifty times starts one script."""
    found = StepRun.objects.filter(pk=step_run_id, status=StepStatus.QUEUED).select_related(
        "run__version__runbook__project", "run__runbook__project", "run__requested_by__owner", "run__token"
    )
    step_run = found.first()
    if step_run is None or step_run.run.status not in {RunStatus.QUEUED, RunStatus.RUNNING}:
        return None
    run = step_run.run
    if run.status == RunStatus.QUEUED and run.expires_at <= now:
        _never_started(run=run, status=RunStatus.EXPIRED, detail="No worker took it in time.", now=now)
        return None
    definition, decision = _still_holds(run=run, first=run.status == RunStatus.QUEUED, now=now)
    if definition is None or not decision:
        _stopped(run=run, detail=" ".join(decision.reasons), now=now)
        return None
    try:
        return _take(step_run=step_run, definition=definition, worker=worker, now=now)
    except _LostTheRace:
        return None


@transaction.atomic
def _take(*, step_run: StepRun, definition: Definition, worker: str, now: datetime) -> Claim:
    run, first = step_run.run, step_run.run.status == RunStatus.QUEUED
    open_run = Run.objects.filter(pk=run.pk, status=run.status, cancel_requested_at=None)
    if not open_run.update(status=RunStatus.RUNNING, started_at=Coalesce(F("started_at"), Value(now))):
        raise _LostTheRace
    taken = StepRun.objects.filter(pk=step_run.pk, status=StepStatus.QUEUED, fence=step_run.fence).update(
        status=StepStatus.RUNNING,
        fence=step_run.fence + 1,
        worker=worker,
        started_at=now,
        lease_until=lease_end(),
    )
    if not taken:
        raise _LostTheRace
    run.status, run.started_at = RunStatus.RUNNING, run.started_at or now
    step_run.status, step_run.started_at, step_run.worker = StepStatus.RUNNING, now, worker
    step_run.fence += 1
    events = [status_event(run), step_event(step_run)] if first else [step_event(step_run)]
    append_events(run_id=run.pk, events=events, now=now)
    if first:
        details = {"hash": run.version.hash, "plan_hash": run.plan_hash, "worker": worker}
        record(actor=None, action="run.started", thing=run, details=details, now=now)
    key = StepKey(run_id=run.pk, step_run_id=step_run.pk, fence=step_run.fence)
    step = next(step for step in definition.steps if step.id == step_run.step)
    return Claim(key=key, step_run=step_run, run=run, step=step, plan=read_plan(bytes(run.plan)))


def lease_end() -> Combinable:
    """A lease from now on, by the database's own clock."""
    length = Value(timedelta(seconds=settings.OPSAAS_LEASE_SECONDS))
    return ExpressionWrapper(Now() + length, output_field=DateTimeField())


def _still_holds(*, run: Run, first: bool, now: datetime) -> tuple[Definition | None, Decision]:
    """Content and kill switch at each claim; permission too at the first."""
    intact = _content_holds(run)
    if not intact:
        return None, intact
    definition = definition_of(run.version)
    switch = Installation.objects.filter(pk=INSTALLATION_ID, accepts_runs=False).exists()
    decision = no("New steps are switched off for the whole installation at the moment.") if switch else YES
    return definition, decision & _permission_holds(run=run, now=now) if first else decision


def _content_holds(run: Run) -> Decision:
    """What is about to run is what was reviewed and asked for, also when somebody edited the database by hand."""
    version = _digest(bytes(run.version.manifest))
    plan = _digest(bytes(run.plan))
    if version != run.version.hash or plan != run.plan_hash or read_plan(bytes(run.plan)).version != version:
        return no("The content is not what was reviewed: its hash differs.")
    return YES


def _permission_holds(*, run: Run, now: datetime) -> Decision:
    actor = Actor(user=run.requested_by, via=run.trigger, token=run.token)
    if run.token and (run.token.revoked_at or (run.token.expires_at and run.token.expires_at <= now)):
        return no("The token that asked for this run has been revoked or has expired.")
    held = rights_on(actor=actor, place=run.runbook, now=now)
    allowed = judged(actor=actor, right="run", held=held, place=run.runbook)
    state = VersionState(run.version.state)
    by_default = state is VersionState.PUBLISHED or _was_published_then(run)
    archived = bool(run.runbook.archived_at or run.runbook.project.archived_at)
    fit = start_of(
        accepts_runs=True, archived=archived, state=state, by_default=by_default, holds_review="review" in held
    )
    return allowed & fit & _review_holds(run)


def _was_published_then(run: Run) -> bool:
    """Whether the version was the published one when the run was asked for, and another took its place since."""
    later = Version.objects.filter(runbook=run.runbook_id, state=VersionState.PUBLISHED)
    superseded = run.version.state == VersionState.SUPERSEDED
    return superseded and not later.filter(published_at__lte=run.created_at).exists()


def _review_holds(run: Run) -> Decision:
    """Somebody has approved this very content, whatever the version's row says of its state."""
    approved = Review.objects.filter(version=run.version_id, verdict="approve", hash=run.version.hash)
    return YES if approved.exists() else no("Nobody has approved the content of this version.")


def _stopped(*, run: Run, detail: str, now: datetime) -> None:
    """Refused where nothing has started yet; failed where earlier steps have run."""
    if run.status == RunStatus.QUEUED:
        _never_started(run=run, status=RunStatus.REFUSED, detail=detail, now=now)
        return
    with transaction.atomic():
        end_run(run=run, status=RunStatus.FAILED, detail=detail, now=now)


def _never_started(*, run: Run, status: RunStatus, detail: str, now: datetime) -> None:
    with transaction.atomic():
        end_run(run=run, status=status, detail=detail, now=now)


def _digest(text: bytes) -> str:
    return "sha256:" + hashlib.sha256(text).hexdigest()
