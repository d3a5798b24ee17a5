"""Who breaks the glass is heard: owners and auditors are told at once, by the ways that they chose."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from runbooks import outbox
from runbooks.access.audience import auditors_at, owners_at
from runbooks.models import AuditEvent, Delivery, Run
from runbooks.usecases.notifications.compose import Notice, joined, of_act
from runbooks.usecases.notifications.recipients import Around, to_people

EVENT = "break_glass"


def tell_of_broken_glass(*, act: AuditEvent, run: Run, passed: Sequence[str], now: datetime) -> None:
    """Must be called inside the transaction of ACT. Each person once, also where a rule tells them of it."""
    around = Around(project=run.runbook.project, runbook=run.runbook, run=run)
    heard = {one.pk: one for find in (owners_at, auditors_at) for one in find(place=run.runbook, now=now)}
    people = [one for one in heard.values() if one.person_id != run.requested_by.person_id]
    messages = list(to_people(_notice(act, run, passed), people, around=around, now=now))
    Delivery.objects.bulk_create(messages, ignore_conflicts=True)
    if messages:
        outbox.hint_deliveries()


def _notice(act: AuditEvent, run: Run, passed: Sequence[str]) -> Notice:
    said = of_act(act, event=EVENT, project=run.runbook.project, runbook=run.runbook, run=run)
    what = "\n".join(f"  {sentence}" for sentence in passed) or "  (nothing was in the way)"
    asks = "Somebody other than who broke it closes the review, on the page Guardrails."
    more = joined(f"What was passed:\n{what}", asks)
    return replace(said, text=joined(said.text.rstrip(), more), brief=joined(said.brief.rstrip(), more))
