"""Asking for a run: is it allowed, with these values, now? Then freeze what will happen and queue it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from runbooks import outbox
from runbooks.access.actors import Actor
from runbooks.audit.record import record
from runbooks.domain.approval_rules import reason_problems
from runbooks.domain.calls import PlannedCall
from runbooks.domain.containment import as_json, at_least
from runbooks.domain.definition import Definition, ordinary_steps
from runbooks.domain.machines.targets import PlannedNode
from runbooks.domain.parameters import apart, clean_values
from runbooks.domain.plan import GIVEN, Plan, read_plan
from runbooks.domain.ports import Containment, GivenFile, JsonValue
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.live.append import append_events
from runbooks.models import Run, Runbook, RunSecret, StepRun, Version
from runbooks.models.ids import new_id
from runbooks.models.rows import insert
from runbooks.usecases.approvals.ask import held_back, write_request
from runbooks.usecases.grants.cover import Wanted
from runbooks.usecases.guardrails.at_start import admitted
from runbooks.usecases.guardrails.break_glass import open_review_if_broken, require_may_break
from runbooks.usecases.nodes.choose import chosen_targets
from runbooks.usecases.runs.calls import Called, Frozen, frozen_calls
from runbooks.usecases.runs.concurrency import key_of, reject_beside
from runbooks.usecases.runs.files import keep_files, taken_files
from runbooks.usecases.runs.may_start import may_start
from runbooks.usecases.runs.seen import require_seen
from runbooks.usecases.runs.tell import status_event
from runbooks.usecases.secrets.keep import sealed_for_run, seals_of
from runbooks.usecases.versions.binding import binding_definition
from runbooks.usecases.versions.draft import definition_of

REASON_CHARACTERS = 2000
NO_CALLS: Mapping[str, PlannedCall] = {}


@dataclass(frozen=True)
class Request:
    """What a person or a program asked for."""

    values: Mapping[str, object]
    reason: str = ""
    number: int | None = None  # of the version; None: the published one
    targets: tuple[str, ...] = ()  # names of nodes, to narrow down what the definition selects
    plan_hash: str = ""  # as a preview told it: nothing else is started
    breaks_glass: bool = False  # to pass freezes, rates and hours
    proven: bool = False  # a person has just typed their password again


@dataclass(frozen=True)
class Resuming:
    """A run that another goes on from, and those of its steps that had succeeded."""

    run: Run
    before: Mapping[str, StepRun]


def start(
    *,
    actor: Actor,
    runbook: Runbook,
    request: Request,
    now: datetime,
    rerun_of: Run | None = None,
    resuming: Resuming | None = None,
    called: Called | None = None,
) -> Run:
    """Queues a run. CALLED: as a step of another. Raises NotAllowed, Hidden (the version), Invalid and Conflict."""
    version, definition = may_start_as(actor=actor, runbook=runbook, request=request, called=called, now=now)
    frozen = _frozen(actor=actor, version=version, called=called, resuming=resuming, now=now)
    run_id, values, sealed = _taken_values(definition=definition, request=request, high_risk=frozen.high_risk)
    uploads = taken_files(actor=actor, definition=definition, given=request.values, values=values, now=now)
    targets = chosen_targets(actor=actor, version=version, values=values, only=request.targets, now=now)
    seals, wanted = seals_of(sealed), Wanted(values, targets, breaks_glass=request.breaks_glass)
    plan = plan_of(version=version, values=values, seals=seals, targets=targets, runbooks=frozen.planned)
    require_seen(plan, plan_hash=request.plan_hash)
    key = key_of(definition=definition, values=values)
    with transaction.atomic():
        reject_beside(runbook=runbook, definition=definition, key=key)
        admission = admitted(actor=actor, runbook=runbook, definition=definition, wanted=wanted, now=now)
        run = Run(
            id=run_id,
            runbook=runbook,
            version=version,
            **_asked(actor, request, plan, now),
            **_related(rerun_of, resuming, called),
            concurrency_key=key,
            by_grant=admission.grant,
            event_seq=1,
        )
        approval = held_back(run, definition=definition, plan=plan, now=now)
        _insert(run, sealed=sealed, uploads=uploads)
        _write(run, before=resuming.before if resuming else {}, actor=actor, now=now)
        if approval:
            write_request(approval, actor=actor, now=now)
        open_review_if_broken(actor=actor, run=run, wanted=wanted, passed=admission.passed, now=now)
    return run


def may_start_as(
    *, actor: Actor, runbook: Runbook, request: Request, called: Called | None = None, now: datetime
) -> tuple[Version, Definition]:
    """The version that would run, and what it says, under the policy that binds it. Raises NotAllowed, Hidden, and
    Invalid where the glass is to be broken without a reason."""
    broken, number = request.breaks_glass, request.number
    version = may_start(actor=actor, runbook=runbook, number=number, breaks_glass=broken, called=called, now=now)
    definition = binding_definition(version)
    if broken:
        proven, reason = request.proven, request.reason
        require_may_break(actor=actor, runbook=runbook, definition=definition, proven=proven, reason=reason, now=now)
    return version, definition


def _asked(actor: Actor, request: Request, plan: Plan, now: datetime) -> dict[str, Any]:
    who = {"requested_by": actor.user, "token": actor.token, "trigger": actor.via, "reason": request.reason}
    what = {"plan": plan.canonical, "plan_hash": plan.hash, "parameters": plan.values}
    return {**who, **what, "expires_at": now + timedelta(seconds=settings.OPSAAS_QUEUE_SECONDS)}


def _related(rerun_of: Run | None, resuming: Resuming | None, called: Called | None) -> dict[str, Any]:
    whole = {"parent_id": called.step_run.run_id, "parent_step": called.step_run} if called else {}
    return {"rerun_of": rerun_of, "resumed_from": resuming.run if resuming else None, **whole}


def _taken_values(
    *, definition: Definition, request: Request, high_risk: str
) -> tuple[UUID, dict[str, JsonValue], list[RunSecret]]:
    """The id of the run to be, its values, and apart from them the secret ones, sealed for it alone."""
    values, hidden = apart(
        definition.parameters, checked_values(definition=definition, request=request, high_risk=high_risk)
    )
    run_id = new_id()
    return run_id, values, sealed_for_run(run_id=run_id, values=hidden)


def _insert(run: Run, *, sealed: Sequence[RunSecret], uploads: Mapping[str, GivenFile]) -> None:
    insert(run)
    RunSecret.objects.bulk_create(sealed)
    keep_files(run=run, values=run.parameters, uploads=uploads)


def _write(run: Run, *, before: Mapping[str, StepRun], actor: Actor, now: datetime) -> None:
    """All that belongs to the beginning of a run, beside its own row."""
    first = _add_step_runs(run=run, definition=definition_of(run.version), before=before, now=now)
    details = {
        "hash": run.version.hash,
        "plan_hash": run.plan_hash,
        "version": run.version.number,
        "parameters": run.parameters,
    }
    if run.resumed_from_id:
        details["resumed_from"] = str(run.resumed_from_id)
    if run.parent_id:
        details["parent"] = str(run.parent_id)
    record(actor=actor, action="run.requested", thing=run, reason=run.reason, details=details, now=now)
    append_events(run_id=run.pk, events=[status_event(run)], now=now, last=1)
    if first.status == StepStatus.QUEUED:
        outbox.hint_step(first.pk)


def _frozen(
    *, actor: Actor, version: Version, called: Called | None, resuming: Resuming | None, now: datetime
) -> Frozen:
    """Other runbooks that are steps: within a step those that were frozen with the whole, of a resumed run those of the
    earlier one."""
    if called:
        return Frozen(called.calls)
    fixed = read_plan(bytes(resuming.run.plan)).runbooks if resuming else None
    return frozen_calls(actor=actor, version=version, fixed=fixed, now=now)


def plan_of(
    *,
    version: Version,
    values: Mapping[str, JsonValue],
    seals: Mapping[str, str],
    targets: tuple[PlannedNode, ...] = (),
    runbooks: Mapping[str, PlannedCall] = NO_CALLS,
) -> Plan:
    definition = definition_of(version)
    limits: dict[str, JsonValue] = {step.id: {"timeout_seconds": step.timeout_seconds} for step in definition.steps}
    return Plan(
        runbook=version.runbook.path,
        version=version.hash,
        values=values,
        targets=targets,
        secrets={**definition.secrets, **{GIVEN + name: seal for name, seal in seals.items()}},
        limits=limits,
        containment=as_json(demanded(definition)),
        runbooks=runbooks,
    )


def demanded(definition: Definition) -> Containment:
    """At least what the definition asks for, and at least what the installation does."""
    return at_least(definition.containment, settings.OPSAAS_CONTAINMENT_MINIMUM)


def checked_values(*, definition: Definition, request: Request, high_risk: str = "") -> dict[str, JsonValue]:
    """HIGH_RISK is the path of a runbook that is one of its steps, and of high risk."""
    problems = []
    which = "This runbook is" if definition.risk == "high" else f"This runs {high_risk}, which is" if high_risk else ""
    if which and not request.reason.strip():
        problems.append(Problem("/reason", "required", f"{which} of high risk: say why you run it."))
    problems += reason_problems(definition.policy, reason=request.reason)
    if len(request.reason) > REASON_CHARACTERS:
        problems.append(Problem("/reason", "too_long", f"Keep the reason under {REASON_CHARACTERS} characters."))
    try:
        values = clean_values(definition.parameters, request.values)
    except Invalid as error:
        raise Invalid([*problems, *error.problems]) from error
    if problems:
        raise Invalid(problems)
    return values


def _add_step_runs(*, run: Run, definition: Definition, before: Mapping[str, StepRun], now: datetime) -> StepRun:
    """All steps; the first is queued unless the run waits for approval. Its own condition is asked at the claim."""
    containment = as_json(demanded(definition))
    steps = [
        StepRun(
            run=run,
            index=index,
            step=step.id,
            containment=containment,
            cleanup=step.id in definition.cleanup,
            **_as_before(before[step.id], now=now) if step.id in before else {},
        )
        for index, step in enumerate(definition.steps)
    ]
    ordinary = ordinary_steps(definition)
    first = next(step for step in steps if step.step in ordinary and step.status == StepStatus.PENDING)
    if run.status == RunStatus.QUEUED:
        first.status, first.hinted_at = StepStatus.QUEUED, now
    insert(*steps)
    return first


def _as_before(earlier: StepRun, *, now: datetime) -> dict[str, Any]:
    """A step that is not run again: what it handed on is there, and where it came from."""
    succeeded = earlier.status == StepStatus.SUCCEEDED
    return {
        "status": StepStatus.SKIPPED,
        "carried_from": earlier if succeeded else earlier.carried_from,
        "outputs": earlier.outputs,
        "detail": "It had succeeded in the run that this one resumes.",
        "finished_at": now,
    }
