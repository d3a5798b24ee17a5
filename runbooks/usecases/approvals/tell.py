"""Mail to those whose yes a run waits for, with the link."""

from datetime import datetime

from django.conf import settings

from runbooks import outbox
from runbooks.access.approvers import meant_by
from runbooks.domain.approval_rules import Stage
from runbooks.models import ApprovalRequest, Delivery, DeliveryAbout, User


def tell_approvers(*, request: ApprovalRequest, stage: int, now: datetime) -> None:
    """Must be called inside the transaction of what it tells of. Each person once for a run, whatever its stages."""
    run = request.run
    asked = meant_by(stage=Stage.from_json(request.stages[stage]), runbook=run.runbook, now=now)
    people = [one for one in asked if one.email and one.person_id != run.requested_by.person_id]
    Delivery.objects.bulk_create([_message(request, to=one, now=now) for one in people], ignore_conflicts=True)
    if people:
        outbox.hint_deliveries()


def _message(request: ApprovalRequest, *, to: User, now: datetime) -> Delivery:
    run = request.run
    return Delivery(
        run=run,
        recipient=to,
        about=DeliveryAbout.APPROVAL,
        channel="email",
        address=to.email,
        subject=f"[opsaas] {run.requested_by.username} asks for your approval: {run.runbook.path}",
        text=_text(request),
        next_attempt_at=now,
    )


def _text(request: ApprovalRequest) -> str:
    run = request.run
    values = "\n".join(f"  {name} = {value}" for name, value in run.parameters.items()) or "  (none)"
    lines = [
        f"{run.requested_by.username} wants to run {run.runbook.path} (version {run.version.number}).",
        request.because,
        f"Reason given: {run.reason}" if run.reason else "No reason was given.",
        f"Values:\n{values}",
        f"Read it, then approve or deny it: {settings.OPSAAS_PUBLIC_URL}/runs/{run.pk}#approval",
        f"Without an answer by {request.expires_at:%Y-%m-%d %H:%M} UTC it never starts.",
    ]
    return "\n\n".join(lines) + "\n"
