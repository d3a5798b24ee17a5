"""Requests for approval: how far each has come, whom it waits for, and what somebody may say to it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.approvers import APPROVE, mandate, mandates
from runbooks.access.fetch import Hidden, as_uuid, installation
from runbooks.access.rights import may, restrict_runs
from runbooks.domain.approval_rules import Stage
from runbooks.domain.approvals import Given, Mandate, Standing, by_a_person, mandate_of, once, standing
from runbooks.domain.policy import YES, Decision, no
from runbooks.domain.rights import with_implied
from runbooks.domain.states import RunStatus
from runbooks.models import Approval, ApprovalRequest, Delegation, Run

SAID = Prefetch("approvals", queryset=Approval.objects.select_related("by__owner", "of__owner"))
WHOLE = (
    ApprovalRequest.objects.select_related("run__runbook__project", "run__version", "run__requested_by__owner")
    .defer("run__version__manifest", "run__runbook__search_text")
    .prefetch_related(SAID)
)


@dataclass(frozen=True)
class Progress:
    """A request, what was said to it, and what that comes to now."""

    request: ApprovalRequest
    stages: tuple[Stage, ...]
    said: tuple[Approval, ...]
    standing: Standing

    @property
    def stage(self) -> Stage | None:
        """That is asked now."""
        return None if self.standing.stage is None else self.stages[self.standing.stage]

    @property
    def waits_for(self) -> str:
        """For people, whom it waits for; empty once all have said yes."""
        stage, missing = self.stage, self.standing.missing
        if stage is None:
            return ""
        whom = f"{missing} approval{'s' if missing > 1 else ''} of {stage.whom}"
        if len(self.stages) == 1:
            return whom
        name = f" “{stage.name}”" if stage.name else ""
        return f"{whom} (stage {(self.standing.stage or 0) + 1} of {len(self.stages)}{name})"


def request_of(run: Run) -> ApprovalRequest | None:
    """What was asked for this run, if anything was."""
    found = ApprovalRequest.objects.filter(run=run.pk).prefetch_related(SAID).first()
    if found:
        found.run = run
    return found


def progress_of(request: ApprovalRequest, *, now: datetime) -> Progress:
    """Every approval is looked at anew: whose account, group or right has gone since does not count."""
    run = request.run
    said = tuple(sorted(request.approvals.all(), key=lambda one: one.pk))
    stages = tuple(Stage.from_json(one) for one in request.stages)
    given = [
        Given(
            stage=one.stage,
            mandate=mandate(by=one.by, of=one.of, runbook=run.runbook, now=now),
            key=one.pk,
        )
        for one in said
        if one.verdict == "approve" and one.plan_hash == run.plan_hash == request.plan_hash
    ]
    found = standing(stages, given, requester=run.requested_by.person_id)
    return Progress(request=request, stages=stages, said=said, standing=found)


def voice(
    *, actor: Actor, progress: Progress, verdict: str = "approve", now: datetime
) -> tuple[Mandate | None, int, Decision]:
    """For whom the actor may give this verdict, in which stage; None with the reasons where they may not."""
    run, at = progress.request.run, progress.standing.stage or 0
    if not (decision := by_a_person(actor.via, what="give a verdict")):
        return None, at, decision
    if actor.scopes and APPROVE not in with_implied(actor.scopes):
        return None, at, no(f"This token is limited to: {', '.join(sorted(actor.scopes))}.")
    if run.requested_by.person_id == actor.user.person_id:
        return None, at, no("You asked for this run: somebody else has to approve it, by whatever account.")
    if any(one.person_id == actor.user.person_id for one in progress.said):
        return None, at, no("You have given your verdict on this run already.")
    heard = _heard(progress)
    known = mandates(user=actor.user, runbook=run.runbook, now=now)
    stages = range(at, len(progress.stages)) if verdict == "reject" else range(at, at + 1)
    refusal: Decision = YES
    for index in stages:
        for mandate_ in known:
            stage, requester = progress.stages[index], run.requested_by.person_id
            decision = mandate_of(stage, mandate_, requester=requester) & once(mandate_, heard=heard)
            if decision:
                return mandate_, index, YES
            refusal = refusal if not refusal else decision
    return None, at, refusal


def _heard(progress: Progress) -> set[object]:
    counted = [one for one in progress.said if one.verdict == "approve" and one.pk not in progress.standing.objections]
    return {person for one in counted for person in (one.by.person_id, one.of.person_id)}


def waiting(*, actor: Actor, now: datetime) -> QuerySet[ApprovalRequest]:
    """All that waits and that the actor sees, the most urgent first."""
    runs = Run.objects.filter(status=RunStatus.AWAITING_APPROVAL)
    seen = restrict_runs(actor=actor, right="view", now=now, queryset=runs)
    return WHOLE.filter(run__in=seen.values("pk")).order_by("expires_at")


def waiting_for(*, actor: Actor, now: datetime, most: int) -> list[Progress]:
    """What waits for this very person's verdict."""
    found = (progress_of(request, now=now) for request in waiting(actor=actor, now=now)[:most])
    return [one for one in found if voice(actor=actor, progress=one, now=now)[0]]


def count_waiting_for(*, actor: Actor, now: datetime, most: int) -> int:
    """For every page: mostly nothing waits, and that is one quick look."""
    if not Run.objects.filter(status=RunStatus.AWAITING_APPROVAL).exists():
        return 0
    return len(waiting_for(actor=actor, now=now, most=most))


def past(*, actor: Actor, now: datetime) -> QuerySet[ApprovalRequest]:
    """Those that no longer wait, the newest first."""
    over = Run.objects.exclude(status=RunStatus.AWAITING_APPROVAL)
    seen = restrict_runs(actor=actor, right="view", now=now, queryset=over)
    return WHOLE.filter(run__in=seen.values("pk"))


def delegations(*, actor: Actor, now: datetime) -> QuerySet[Delegation]:
    """Of the actor's own voice, and of other people's to them, that are not over."""
    mine = Q(delegator=actor.user) | Q(delegate=actor.user)
    found = Delegation.objects.filter(mine, ended_at=None, ends_at__gt=now)
    return found.select_related("delegator", "delegate").order_by("-id")


def delegation(*, actor: Actor, delegation_id: str, now: datetime) -> Delegation:
    """One of one's own; administrators may name anybody's. Raises Hidden."""
    key = as_uuid(delegation_id)
    found = Delegation.objects.select_related("delegator", "delegate").filter(pk=key).first() if key else None
    mine = found is not None and actor.user.pk in {found.delegator_id, found.delegate_id}
    if found is None or not (mine or may(actor=actor, right="administer", place=installation(), now=now)):
        known = str(found.pk) if found else ""
        raise Hidden(action="delegation.ended", kind="delegation", name=delegation_id[:64], id=known)
    return found
