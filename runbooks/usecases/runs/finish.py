"""The end of a step run: one guarded, fenced move, and what follows from it, in one transaction."""

from datetime import datetime

from django.db import transaction

from runbooks.domain.ports import Outcome, OutcomeKind, StopReason
from runbooks.domain.states import StepStatus
from runbooks.live.append import FenceLost, NewEvent
from runbooks.models import Node, StepRun
from runbooks.models.rows import move
from runbooks.usecases.nodes.target import note_seen
from runbooks.usecases.runs.claim import Claim, node_named
from runbooks.usecases.runs.settle import held, settle
from runbooks.usecases.runs.tell import step_event


def finish(*, claim: Claim, outcome: Outcome, output_complete: bool, now: datetime) -> None:
    """Raises FenceLost where the claim no longer holds: then somebody else has written the end."""
    status = status_of(outcome)
    with transaction.atomic():
        ended = _end_step(claim=claim, outcome=outcome, status=status, now=now)
        run = held(claim.run, output_complete=output_complete)
        _note_contact(claim=claim, outcome=outcome, now=now)
        settle(step_run=claim.step_run, run=run, ended=ended, now=now)


def _note_contact(*, claim: Claim, outcome: Outcome, now: datetime) -> None:
    """When a machine was last spoken to, or which key it showed in place of one of its own."""
    if not claim.way:
        return
    wanted = node_named(claim.run, claim.step_run.node)
    if outcome.host_key:
        note_seen(wanted=wanted, seen=outcome.host_key, now=now)
    elif outcome.kind is not OutcomeKind.NOT_STARTED:
        Node.objects.filter(pk=wanted.id).update(last_contact=now)


def status_of(outcome: Outcome) -> StepStatus:
    match outcome.kind:
        case OutcomeKind.EXITED:
            return StepStatus.SUCCEEDED if outcome.exit_code == 0 else StepStatus.FAILED
        case OutcomeKind.NOT_STARTED:
            return StepStatus.FAILED
        case OutcomeKind.TIMED_OUT:
            return StepStatus.TIMED_OUT
        case OutcomeKind.STOPPED if outcome.stop_reason is StopReason.CANCELLED:
            return StepStatus.CANCELLED
        case _:
            return StepStatus.LOST


def _end_step(*, claim: Claim, outcome: Outcome, status: StepStatus, now: datetime) -> NewEvent:
    step_run = claim.step_run
    ending = {
        "status": status,
        "finished_at": now,
        "lease_until": None,
        "exit_code": outcome.exit_code,
        "detail": outcome.detail,
        "outputs": dict(outcome.outputs),
        "summary": outcome.summary,
        "containment": _in_force(step_run, outcome),
    }
    mine = {"id": step_run.pk, "fence": claim.key.fence, "status": StepStatus.RUNNING}
    if not move(StepRun, where=mine, values=ending, returning="id"):
        raise FenceLost("the lease of this step run was lost: its end is no longer taken")
    for field, value in ending.items():
        setattr(step_run, field, value)
    return step_event(step_run)


def _in_force(step_run: StepRun, outcome: Outcome) -> dict[str, object]:
    """What the script was really kept within, where one was started."""
    found: dict[str, object] = dict(outcome.limits, level=outcome.level) if outcome.level else {}
    return {**step_run.containment, **found}
