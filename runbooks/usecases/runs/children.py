"""Another runbook as a step: its run is a child of the run that it is a step of.

A child is a run like any other. Whoever changes both holds the parent's row first: a cancel goes down in one
transaction, and the end of a child is carried up by a transaction of its own, which the child's end hints at.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import RUNBOOK_AT, Hidden, NotAllowed
from runbooks.access.rights import account_rights_on, is_enabled
from runbooks.audit.denials import tell_the_log
from runbooks.domain.calls import Call, PlannedCall, inner_of
from runbooks.domain.conditions import ConditionFailed
from runbooks.domain.definition import Step
from runbooks.domain.parameters import clean_values
from runbooks.domain.plan import read_plan
from runbooks.domain.policy import words
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Invalid
from runbooks.domain.states import RUN_FINAL, RunStatus, StepStatus
from runbooks.live.append import append_events
from runbooks.models import Run, Runbook, StepRun, Version
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.advance import seen_by_conditions
from runbooks.usecases.runs.calls import Called
from runbooks.usecases.runs.facts import latest_of
from runbooks.usecases.runs.pause import end_pause, held_run
from runbooks.usecases.runs.resume import not_resumable, resuming_from
from runbooks.usecases.runs.start import Request, Resuming, start
from runbooks.usecases.runs.tell import step_event
from runbooks.usecases.versions.draft import definition_of

AT_ONCE = 500
ENDS: Mapping[str, StepStatus] = {
    RunStatus.SUCCEEDED: StepStatus.SUCCEEDED,
    RunStatus.TIMED_OUT: StepStatus.TIMED_OUT,
    RunStatus.CANCELLED: StepStatus.CANCELLED,
    RunStatus.LOST: StepStatus.LOST,
}  # all else is a failure
OVERDUE = "It was cancelled, because the step took longer than it may."
WITHHELD = "What it handed on is left out: whoever asked for this may not read its output."


def begin_child(*, run: Run, step_run: StepRun, step: Step, now: datetime) -> None:
    """Must be called inside the transaction of the claim, in which the step has begun to wait."""
    assert isinstance(step.pause, Call)
    actor = Actor(user=run.requested_by, via="runbook", token=run.token)
    try:
        with transaction.atomic():
            child = _started(run=run, step_run=step_run, call=step.pause, actor=actor, now=now)
    except (ConditionFailed, NotAllowed, Hidden, Invalid, Conflict) as error:
        if isinstance(error, NotAllowed | Hidden):
            tell_the_log(error=error, actor=actor, now=now)
        detail = f"{step.pause.path} was not started. {_sentence(error)}"
        end_pause(run=run, step_run=step_run, status=StepStatus.FAILED, detail=detail, exit_code=None, now=now)
        return
    step_run.detail = f"Run {child.pk} of {step.pause.path}."
    StepRun.objects.filter(pk=step_run.pk).update(detail=step_run.detail)
    append_events(run_id=run.pk, events=[step_event(step_run)], now=now)


def settle_child(*, step_run_id: object, now: datetime) -> bool:
    """Carries the end of a child up to the step that it is. Answers whether this call did."""
    with transaction.atomic():
        step_run = StepRun.objects.filter(pk=str(step_run_id), status=StepStatus.WAITING).first()
        if step_run is None:
            return False
        run = held_run(step_run.run_id)
        child = (
            Run.objects.select_related("runbook__project", "requested_by__owner")
            .filter(parent_step=step_run, status__in=RUN_FINAL)
            .first()
        )
        return child is not None and _carried_up(run=run, step_run=step_run, child=child, now=now)


def settle_children(*, now: datetime) -> int:
    """Those whose hint was lost."""
    ended = StepRun.objects.filter(status=StepStatus.WAITING, due_at__isnull=False, child_runs__status__in=RUN_FINAL)
    return sum(settle_child(step_run_id=pk, now=now) for pk in ended.values_list("pk", flat=True)[:AT_ONCE])


def is_overdue(*, step_run: StepRun, step: Step, now: datetime) -> bool:
    return step_run.started_at is not None and now >= step_run.started_at + timedelta(seconds=step.timeout_seconds)


def step_of(run: Run, step_run: StepRun) -> Step:
    return next(step for step in definition_of(run.version).steps if step.id == step_run.step)


def _started(*, run: Run, step_run: StepRun, call: Call, actor: Actor, now: datetime) -> Run:
    calls = read_plan(bytes(run.plan)).runbooks
    planned = calls[step_run.step]
    runbook, version = _frozen_version(planned)
    values = call.values(seen_by_conditions(run=run, now=now))
    called = Called(step_run=step_run, version=version, calls=inner_of(step_run.step, calls))
    resuming = _resuming(run=run, step_run=step_run, version=version, values=values)
    request = Request(values=values, reason=run.reason)
    return start(actor=actor, runbook=runbook, request=request, called=called, resuming=resuming, now=now)


def _frozen_version(planned: PlannedCall) -> tuple[Runbook, Version]:
    """Raises Hidden where it is not there any more."""
    runbook = RUNBOOK_AT.first(*planned.runbook.split("/"))
    versions = Version.objects.filter(runbook=runbook, number=planned.number, hash=planned.version)
    version = versions.first() if runbook else None
    if runbook is None or version is None:
        name = f"{planned.runbook} v{planned.number}"
        raise Hidden(action="run.requested", kind="version", name=name)
    version.runbook = runbook
    return runbook, version


def _resuming(*, run: Run, step_run: StepRun, version: Version, values: Mapping[str, JsonValue]) -> Resuming | None:
    """The run of the same content with the same values that this step was before, if it can be gone on with."""
    if run.resumed_from_id is None or step_run.attempt > 1:
        return None
    earlier = Run.objects.select_related("runbook__project", "version").filter(
        parent_step__run=run.resumed_from_id, parent_step__step=step_run.step, version=version
    )
    child = earlier.order_by("-id").first()
    if child is None or not_resumable(child):
        return None
    same = child.parameters == clean_values(definition_of(version).parameters, values)
    return resuming_from(child) if same else None


def _carried_up(*, run: Run, step_run: StepRun, child: Run, now: datetime) -> bool:
    status = ENDS.get(child.status, StepStatus.FAILED)
    detail = f"Run {child.pk} of {child.runbook.path}"
    if status is not StepStatus.SUCCEEDED:
        detail = f"{detail} {'was ' if status is StepStatus.CANCELLED else ''}{words(child.status)}"
    detail += "."  # not why: who sees this run may not see that one
    unasked = child.status == RunStatus.CANCELLED and child.cancel_requested_by_id is None
    if unasked and is_overdue(step_run=step_run, step=step_of(run, step_run), now=now):
        status, detail = StepStatus.TIMED_OUT, f"{detail} {OVERDUE}"
    outputs = _outputs(child)
    if outputs and not _may_be_read(child, now=now):
        outputs, detail = {}, f"{detail} {WITHHELD}"
    return end_pause(
        run=run,
        step_run=step_run,
        status=status,
        detail=detail,
        exit_code=child.exit_code,
        outputs=outputs,
        now=now,
    )


def _outputs(child: Run) -> dict[str, str]:
    """What all of its steps have handed on, by name; of the same name the last."""
    found: dict[str, str] = {}
    for step_run in latest_of(child).values():
        found |= step_run.outputs
    return found


def _may_be_read(child: Run, *, now: datetime) -> bool:
    """By the account that asked for the whole: else a runbook of one's own would read what another's may not show."""
    held = account_rights_on(user=child.requested_by, place=child.runbook, now=now)
    return is_enabled(child.requested_by) and "see_output" in held


def _sentence(error: Exception) -> str:
    if isinstance(error, Invalid):
        return " ".join(f"{problem.pointer.removeprefix('/')}: {problem.detail}" for problem in error.problems)
    return str(error)
