"""Asking for approval: does a rule want it for this run, and then of whom."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from runbooks.access.actors import Actor
from runbooks.access.approvers import groups_of
from runbooks.audit.record import record
from runbooks.domain.approval_rules import Asked, StartFacts, asked_by_all
from runbooks.domain.approvals import standing
from runbooks.domain.definition import Definition
from runbooks.domain.machines.targets import PlannedNode
from runbooks.domain.plan import Plan
from runbooks.domain.ports import JsonValue
from runbooks.domain.states import RunStatus
from runbooks.models import ApprovalRequest, Run, User
from runbooks.queries.approvals import Progress
from runbooks.usecases.approvals.tell import tell_approvers


def asked_for(
    *,
    requester: User,
    trigger: str,
    definition: Definition,
    values: Mapping[str, JsonValue],
    targets: Sequence[PlannedNode],
    now: datetime,
) -> Asked | None:
    """What the definition's rule asks for such a run. Without a rule nothing is looked at."""
    if not definition.policy.rules:
        return None
    groups: list[JsonValue] = [*groups_of(user=requester, now=now)]
    actor: dict[str, JsonValue] = {"name": requester.username, "kind": str(requester.kind), "groups": groups}
    names = [node.name for node in targets]
    return asked_by_all(
        definition.policy, StartFacts(values=values, targets=names, actor=actor, trigger=trigger, now=now)
    )


def held_back(run: Run, *, definition: Definition, plan: Plan, now: datetime) -> ApprovalRequest | None:
    """Makes a run that is about to be written one that waits, where a rule asks. Answers what belongs to it then."""
    asked = asked_for(
        requester=run.requested_by,
        trigger=run.trigger,
        definition=definition,
        values=plan.values,
        targets=plan.targets,
        now=now,
    )
    if asked is None:
        return None
    run.status = RunStatus.AWAITING_APPROVAL
    run.expires_at = now + timedelta(seconds=asked.expires_seconds)
    stages = [stage.as_json() for stage in asked.stages]
    request = ApprovalRequest(
        run=run, plan_hash=run.plan_hash, stages=stages, because=asked.because, expires_at=run.expires_at
    )
    first = standing(asked.stages, [], requester=run.requested_by.person_id)
    run.status_detail = waiting_text(Progress(request=request, stages=asked.stages, said=(), standing=first))
    return request


def write_request(request: ApprovalRequest, *, actor: Actor, now: datetime) -> None:
    """After the run itself, in its transaction."""
    request.save(force_insert=True)
    details = {"plan_hash": request.plan_hash, "stages": request.stages, "expires_at": request.expires_at.isoformat()}
    record(
        actor=actor, action="run.approval_asked", thing=request.run, reason=request.because, details=details, now=now
    )
    tell_approvers(request=request, stage=0, now=now)


def waiting_text(progress: Progress) -> str:
    """The status in words, while a run waits: for whom, and why."""
    return f"Waits for {progress.waits_for}. {progress.request.because}"
