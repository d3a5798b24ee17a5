"""Those whose yes a run waits for are told at once, with the link, by the ways that they chose."""

from datetime import datetime

from runbooks import outbox
from runbooks.access.approvers import meant_by
from runbooks.domain.approval_rules import Stage
from runbooks.models import ApprovalRequest, Delivery
from runbooks.usecases.notifications.compose import Notice, address_of, facts_of, joined, one_line
from runbooks.usecases.notifications.ways import NOTHING_CHOSEN, choices_of, to_person

EVENT = "awaiting_approval"


def tell_approvers(*, request: ApprovalRequest, stage: int, now: datetime) -> None:
    """Must be called inside the transaction of what it tells of. Each person once for a run, whatever its stages."""
    run = request.run
    asked = meant_by(stage=Stage.from_json(request.stages[stage]), runbook=run.runbook, now=now)
    people = [one for one in asked if one.person_id != run.requested_by.person_id]
    notice, choices = _notice(request, now=now), choices_of(people)
    messages = [
        message for one in people for message in to_person(notice, one, choices.get(one.pk, NOTHING_CHOSEN), now=now)
    ]
    Delivery.objects.bulk_create(messages, ignore_conflicts=True)
    if messages:
        outbox.hint_deliveries()


def _notice(request: ApprovalRequest, *, now: datetime) -> Notice:
    run = request.run
    who, thing = run.requested_by.username, {"type": "run", "id": str(run.pk), "name": run.runbook.path}
    values = "\n".join(f"  {name} = {value}" for name, value in run.parameters.items()) or "  (none)"
    link = address_of("run", str(run.pk), "") + "#approval"
    asks = [
        f"{who} wants to run {run.runbook.path} (version {run.version.number}).",
        request.because,
        f"Reason given: {run.reason}" if run.reason else "No reason was given.",
    ]
    answer = [
        f"Read it, then approve or deny it: {link}",
        f"Without an answer by {request.expires_at:%Y-%m-%d %H:%M} UTC it never starts.",
    ]
    return Notice(
        occasion=f"approval:{run.pk}",
        event=EVENT,
        subject=one_line(f"[opsaas] {who} asks for your approval: {run.runbook.path}"),
        text=joined(*asks, f"Values:\n{values}", *answer),
        brief=joined(*asks, *answer),
        link=link,
        facts=facts_of(
            event=EVENT,
            at=now,
            who=who,
            thing=thing,
            outcome=run.status,
            reason=run.reason,
            runbook=run.runbook,
            run=run,
        ),
        project=run.runbook.project,
        runbook=run.runbook,
        run=run,
    )
