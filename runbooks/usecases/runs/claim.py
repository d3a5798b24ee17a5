"""Claiming a step run: the one place where work starts, and it starts once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Now

from runbooks.audit.record import record
from runbooks.domain.calls import Call
from runbooks.domain.definition import Definition, Step
from runbooks.domain.machines.targets import PlannedNode
from runbooks.domain.plan import Plan, read_plan
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.live.append import StepKey, append_events
from runbooks.models import Run, StepRun
from runbooks.models.prepared import Prepared
from runbooks.models.rows import Sql, move
from runbooks.usecases.nodes.target import Way, way_of
from runbooks.usecases.runs.advance import advance, is_wanted
from runbooks.usecases.runs.children import begin_child
from runbooks.usecases.runs.concurrency import has_turn
from runbooks.usecases.runs.end import end_run
from runbooks.usecases.runs.facts import latest_of, outputs_of
from runbooks.usecases.runs.fan_out import begin, goes_to_nodes
from runbooks.usecases.runs.holds import still_holds
from runbooks.usecases.runs.pause import begin_pause
from runbooks.usecases.runs.settle import fail_unstarted, held
from runbooks.usecases.runs.tell import status_event, step_event

QUEUED = Prepared(
    lambda key: (
        StepRun.objects.filter(pk=key, status=StepStatus.QUEUED)
        .select_related(
            "run__version__runbook__project", "run__runbook__project", "run__requested_by__owner", "run__token"
        )
        .defer("run__version__runbook__search_text", "run__runbook__search_text")
    ),
    StepRun._meta.pk,
)


@dataclass(frozen=True)
class Claim:
    """A step run that is ours, until its lease ends."""

    key: StepKey
    step_run: StepRun
    run: Run
    step: Step
    plan: Plan
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of the steps before, by step and name
    way: Way = ()  # to the node; empty for the worker's own machine


class _LostTheRace(Exception):
    """Somebody else claimed it, or it is no longer to be run."""


def claim(*, step_run_id: str, worker: str, now: datetime) -> Claim | None:
    """None where there is nothing (more) to do: that is how a hint delivered fifty times starts one script."""
    step_run = QUEUED.first(step_run_id)
    if step_run is None or step_run.run.status not in {RunStatus.QUEUED, RunStatus.RUNNING}:
        return None
    run = step_run.run
    if run.status == RunStatus.QUEUED and run.expires_at <= now:
        _never_started(run=run, status=RunStatus.EXPIRED, detail="No worker took it in time.", now=now)
        return None
    definition, decision = still_holds(run=run, step_run=step_run, now=now)
    way: Way = ()
    if decision and step_run.part_of_id:
        way, decision = way_of(node_named(run, step_run.node), began=None if step_run.cleanup else now)
    if definition is None or not decision:
        _turned_down(step_run=step_run, detail=" ".join(decision.reasons), now=now)
        return None
    try:
        claimed = _begun(step_run=step_run, definition=definition, worker=worker, now=now)
        return replace(claimed, way=way) if claimed else None
    except _LostTheRace:
        return None


def _begun(*, step_run: StepRun, definition: Definition, worker: str, now: datetime) -> Claim | None:
    """None where the step needs no worker: its condition keeps it from running, or it is a pause."""
    step = next(step for step in definition.steps if step.id == step_run.step)
    if step_run.run.status == RunStatus.QUEUED and not _wanted(step_run=step_run, definition=definition, now=now):
        _begin_without(step_run=step_run, worker=worker, now=now)
    elif step.pause is not None:
        _pause(step_run=step_run, step=step, now=now)
    else:
        return _take(step_run=step_run, definition=definition, worker=worker, now=now)
    return None


@transaction.atomic
def _take(*, step_run: StepRun, definition: Definition, worker: str, now: datetime) -> Claim | None:
    """None for a step that goes to nodes: its parts are claimed one by one, and nobody holds the whole."""
    run, first = step_run.run, step_run.run.status == RunStatus.QUEUED
    step = next(step for step in definition.steps if step.id == step_run.step)
    plan = read_plan(bytes(run.plan))
    spreads = step_run.part_of_id is None and goes_to_nodes(step=step, definition=definition)
    _move(step_run=step_run, first=first, held_by="" if spreads else worker, nodes=len(plan.targets), now=now)
    if first:
        details = {"hash": run.version.hash, "plan_hash": run.plan_hash, "worker": worker}
        record(actor=None, action="run.started", thing=run, details=details, now=now)
    if spreads:
        if ended := begin(whole=step_run, run=run, definition=definition, plan=plan, now=now):
            advance(run=run, told_before=[ended], now=now)
        return None
    key = StepKey(run_id=run.pk, step_run_id=step_run.pk, fence=step_run.fence)
    alone = first and run.resumed_from_id is None
    outputs = {} if alone else outputs_of(latest_of(run))
    return Claim(key=key, step_run=step_run, run=run, step=step, plan=plan, outputs=outputs)


def _move(*, step_run: StepRun, first: bool, held_by: str, nodes: int, now: datetime) -> None:
    """The two conditional UPDATEs that decide who has it. What goes to NODES is held by nobody. Raises _LostTheRace."""
    run = step_run.run
    if first and not has_turn(run):
        raise _LostTheRace
    stopped = "cleanup_cancelled_at" if step_run.cleanup else "cancel_requested_at"
    taken_run = move(
        Run,
        where={"id": run.pk, "status": run.status, stopped: None},
        values={
            "status": RunStatus.RUNNING,
            "started_at": Sql("COALESCE(started_at, %s)", now),
            "event_seq": Sql("event_seq + %s", 2 if first else 1),
        },
        returning="event_seq",
    )
    if not taken_run:
        raise _LostTheRace
    taken = StepRun.objects.filter(pk=step_run.pk, status=StepStatus.QUEUED, fence=step_run.fence).update(
        status=StepStatus.RUNNING,
        fence=step_run.fence + 1,
        started_at=now,
        **{"worker": held_by, "lease_until": lease_end()} if held_by else {"nodes": nodes},
    )
    if not taken:
        raise _LostTheRace
    run.status, run.started_at = RunStatus.RUNNING, run.started_at or now
    step_run.status, step_run.started_at, step_run.worker = StepStatus.RUNNING, now, held_by
    step_run.nodes = None if held_by else nodes
    step_run.fence += 1
    events = [status_event(run), step_event(step_run)] if first else [step_event(step_run)]
    append_events(run_id=run.pk, events=events, now=now, last=taken_run[0])


def node_named(run: Run, name: str) -> PlannedNode:
    return next(node for node in read_plan(bytes(run.plan)).targets if node.name == name)


@transaction.atomic
def _pause(*, step_run: StepRun, step: Step, now: datetime) -> None:
    """A step that needs no worker begins to wait, with all the checks of a claim before it."""
    run, first = step_run.run, step_run.run.status == RunStatus.QUEUED
    stopped = "cleanup_cancelled_at" if step_run.cleanup else "cancel_requested_at"
    open_run = Run.objects.filter(pk=run.pk, status=run.status, **{stopped: None})
    if (first and not has_turn(run)) or not open_run.update(
        status=RunStatus.RUNNING, started_at=Coalesce(F("started_at"), Value(now))
    ):
        raise _LostTheRace
    if not StepRun.objects.filter(pk=step_run.pk, status=StepStatus.QUEUED).exists():
        raise _LostTheRace
    run.status, run.started_at = RunStatus.RUNNING, run.started_at or now
    if first:
        details = {"hash": run.version.hash, "plan_hash": run.plan_hash}
        record(actor=None, action="run.started", thing=run, details=details, now=now)
    begin_pause(run=run, step_run=step_run, step=step, now=now)
    if isinstance(step.pause, Call):
        begin_child(run=run, step_run=step_run, step=step, now=now)


def _wanted(*, step_run: StepRun, definition: Definition, now: datetime) -> bool:
    """The condition of the step that was queued with the run is asked only now."""
    conditional = any(step.id == step_run.step and step.flow.when is not None for step in definition.steps)
    return not conditional or is_wanted(run=step_run.run, step=step_run.step, now=now)


@transaction.atomic
def _begin_without(*, step_run: StepRun, worker: str, now: datetime) -> None:
    """Starts the run with whatever follows the step that its own condition keeps from running."""
    run = step_run.run
    open_run = Run.objects.filter(pk=run.pk, status=RunStatus.QUEUED, cancel_requested_at=None)
    if not has_turn(run) or not open_run.update(status=RunStatus.RUNNING, started_at=now):
        raise _LostTheRace
    run.status, run.started_at = RunStatus.RUNNING, now
    details = {"hash": run.version.hash, "plan_hash": run.plan_hash, "worker": worker}
    record(actor=None, action="run.started", thing=run, details=details, now=now)
    advance(run=run, told_before=[status_event(run)], unasked=step_run.step, now=now)


def lease_end() -> Combinable:
    """A lease from now on, by the database's own clock."""
    length = Value(timedelta(seconds=settings.OPSAAS_LEASE_SECONDS))
    return ExpressionWrapper(Now() + length, output_field=DateTimeField())


def _turned_down(*, step_run: StepRun, detail: str, now: datetime) -> None:
    """Refused where nothing has started yet; failed where earlier steps have run, or on this node alone."""
    run = step_run.run
    if run.status == RunStatus.QUEUED:
        _never_started(run=run, status=RunStatus.REFUSED, detail=detail, now=now)
        return
    with transaction.atomic():
        if step_run.part_of_id:
            fail_unstarted(part=step_run, run=held(run), detail=detail, now=now)
            return
        end_run(run=run, status=RunStatus.FAILED, detail=detail, now=now)


def _never_started(*, run: Run, status: RunStatus, detail: str, now: datetime) -> None:
    with transaction.atomic():
        end_run(run=run, status=status, detail=detail, now=now)
