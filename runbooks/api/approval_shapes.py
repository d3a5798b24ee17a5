"""The shapes of approvals: what is asked for, what is told."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from runbooks.access.actors import Actor
from runbooks.api.shapes import Body, Text
from runbooks.domain.plan import read_plan
from runbooks.domain.states import RunStatus
from runbooks.models import Delegation, Run
from runbooks.queries.approvals import Progress, voice
from runbooks.usecases.approvals.ahead import Ahead
from runbooks.usecases.runs.approve import still_as_asked
from runbooks.usecases.runs.tell import rfc3339


class ApprovalIn(Body):
    verdict = serializers.ChoiceField(choices=["approve", "reject"])
    comment = Text(required=False, default="")
    plan_hash = Text(max_length=100)


class DelegationIn(Body):
    delegate = Text(max_length=64, help_text="The username of whoever may approve in your place.")
    ends_at = serializers.DateTimeField()
    reason = Text(required=False, default="")


class DelegationOut(serializers.ModelSerializer[Delegation]):
    delegator = serializers.CharField(source="delegator.username")
    delegate = serializers.CharField(source="delegate.username")

    class Meta:
        model = Delegation
        fields = ["id", "delegator", "delegate", "reason", "starts_at", "ends_at", "ended_at"]


class StageOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    count = serializers.IntegerField()


class ApprovalOut(serializers.Serializer[Any]):
    """For the document of the API; `told` makes it."""

    run = serializers.UUIDField()
    runbook = serializers.CharField()
    version = serializers.IntegerField()
    plan_hash = serializers.CharField()
    status = serializers.CharField()
    requested_by = serializers.CharField()
    reason = serializers.CharField()
    parameters = serializers.DictField()
    targets = serializers.ListField(child=serializers.CharField())
    because = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    stages = StageOut(many=True)
    approvals = serializers.ListField(child=serializers.DictField())
    waits_for = serializers.CharField()
    stale = serializers.ListField(child=serializers.CharField())
    allowed = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())


def told(progress: Progress, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """A request with all that an approver has to know. ALLOWED: whether the actor may approve it, with REASONS."""
    request, run = progress.request, progress.request.run
    open_ = run.status == RunStatus.AWAITING_APPROVAL
    _, _, decision = voice(actor=actor, progress=progress, now=now)
    return {
        **_of_run(run),
        "because": request.because,
        "created_at": rfc3339(request.created_at),
        "expires_at": rfc3339(request.expires_at),
        "stages": [stage.as_json() for stage in progress.stages],
        "approvals": _said(progress),
        "waits_for": progress.waits_for if open_ else "",
        "stale": list(still_as_asked(run=run, now=now).reasons) if open_ else [],
        "allowed": open_ and decision.allowed,
        "reasons": list(decision.reasons),
    }


def _of_run(run: Run) -> dict[str, Any]:
    return {
        "run": str(run.pk),
        "runbook": run.runbook.path,
        "version": run.version.number,
        "plan_hash": run.plan_hash,
        "status": run.status,
        "requested_by": run.requested_by.username,
        "reason": run.reason,
        "parameters": run.parameters,
        "targets": [node.name for node in read_plan(bytes(run.plan)).targets],
    }


def _said(progress: Progress) -> list[dict[str, Any]]:
    objections = progress.standing.objections
    return [
        {
            "by": one.by.username,
            "on_behalf_of": one.of.username if one.of_id != one.by_id else None,
            "verdict": one.verdict,
            "comment": one.comment,
            "plan_hash": one.plan_hash,
            "stage": one.stage,
            "via": one.via,
            "at": rfc3339(one.at),
            "counts": one.pk not in objections,
            "objection": objections.get(one.pk, ""),
        }
        for one in progress.said
    ]


def told_ahead(need: Ahead | None) -> dict[str, Any] | None:
    """What a dry run says of the approval that the run would need."""
    if need is None:
        return None
    return {
        "because": need.because,
        "expires_seconds": need.expires_seconds,
        "stages": [{**one.stage.as_json(), "people": list(one.people), "enough": one.enough} for one in need.stages],
    }
