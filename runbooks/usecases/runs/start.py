"""Asking for a run: is it allowed, with these values, now? Then freeze what will happen and queue it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from runbooks import outbox
from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, installation, require
from runbooks.access.rights import judged, rights_on
from runbooks.audit.record import record
from runbooks.domain.definition import Definition
from runbooks.domain.parameters import clean_values
from runbooks.domain.plan import Plan
from runbooks.domain.policy import start_of
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import StepStatus, VersionState
from runbooks.live.append import append_events
from runbooks.models import Run, Runbook, StepRun, Version
from runbooks.usecases.runs.tell import status_event
from runbooks.usecases.versions.draft import definition_of

CONTAINMENT: dict[str, JsonValue] = {"level": "host", "network": True}
REASON_CHARACTERS = 2000


@dataclass(frozen=True)
class Request:
    """What a person or a program asked for."""

    values: Mapping[str, object]
    reason: str = ""
    number: int | None = None  # of the version; None: the published one


def start(*, actor: Actor, runbook: Runbook, request: Request, now: datetime, rerun_of: Run | None = None) -> Run:
    """Queues a run. Raises NotAllowed, Hidden (no such version) and Invalid (with pointers to the values)."""
    version = may_start(actor=actor, runbook=runbook, number=request.number, now=now)
    definition = definition_of(version)
    values = checked_values(definition=definition, request=request)
    plan = plan_of(version=version, definition=definition, values=values)
    with transaction.atomic():
        run = Run.objects.create(
            runbook=runbook,
            version=version,
            plan=plan.canonical,
            plan_hash=plan.hash,
            parameters=values,
            requested_by=actor.user,
            token=actor.token,
            trigger=actor.via,
            reason=request.reason,
            rerun_of=rerun_of,
            expires_at=now + timedelta(seconds=settings.OPSAAS_QUEUE_SECONDS),
        )
        first = _add_step_runs(run=run, definition=definition, now=now)
        details = {"hash": version.hash, "plan_hash": plan.hash, "version": version.number, "parameters": values}
        record(actor=actor, action="run.requested", thing=run, reason=request.reason, details=details, now=now)
        append_events(run_id=run.pk, events=[status_event(run)], now=now)
        outbox.send(task=outbox.EXECUTE, object_id=first.pk)
    return run


def may_start(*, actor: Actor, runbook: Runbook, number: int | None, now: datetime) -> Version:
    """The version that would run. Raises NotAllowed and Hidden."""
    held = rights_on(actor=actor, place=runbook, now=now)
    require(judged(actor=actor, right="run", held=held, place=runbook), action="run.requested", thing=runbook)
    version = chosen_version(runbook=runbook, number=number)
    decision = start_of(
        accepts_runs=installation().accepts_runs,
        archived=bool(runbook.archived_at or runbook.project.archived_at),
        state=VersionState(version.state) if version else None,
        by_default=number is None,
        holds_review="review" in held,
    )
    require(decision, action="run.requested", thing=runbook)
    assert version is not None
    return version


def chosen_version(*, runbook: Runbook, number: int | None) -> Version | None:
    """The published version, or the one of that number. Raises Hidden where there is none of that number."""
    if number is None:
        return runbook.versions.filter(state=VersionState.PUBLISHED).first()
    found = runbook.versions.filter(number=number).first()
    if found is None:
        raise Hidden(action="run.requested", kind="version", name=f"{runbook.path} v{number}")
    return found


def plan_of(*, version: Version, definition: Definition, values: Mapping[str, JsonValue]) -> Plan:
    limits: dict[str, JsonValue] = {step.id: {"timeout_seconds": step.timeout_seconds} for step in definition.steps}
    return Plan(
        runbook=version.runbook.path, version=version.hash, values=values, limits=limits, containment=CONTAINMENT
    )


def checked_values(*, definition: Definition, request: Request) -> dict[str, JsonValue]:
    problems = []
    if definition.risk == "high" and not request.reason.strip():
        problems.append(Problem("/reason", "required", "This runbook is of high risk: say why you run it."))
    if len(request.reason) > REASON_CHARACTERS:
        problems.append(Problem("/reason", "too_long", f"Keep the reason under {REASON_CHARACTERS} characters."))
    try:
        values = clean_values(definition.parameters, request.values)
    except Invalid as error:
        raise Invalid([*problems, *error.problems]) from error
    if problems:
        raise Invalid(problems)
    return values


def _add_step_runs(*, run: Run, definition: Definition, now: datetime) -> StepRun:
    steps = [
        StepRun(
            run=run,
            index=index,
            step=step.id,
            status=StepStatus.QUEUED if index == 0 else StepStatus.PENDING,
            hinted_at=now,
            containment=CONTAINMENT,
        )
        for index, step in enumerate(definition.steps)
    ]
    return StepRun.objects.bulk_create(steps)[0]
