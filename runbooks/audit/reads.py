"""Readings and refusals, which no transaction of their own act carries."""

from datetime import datetime, timedelta

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.audit.record import record, ref
from runbooks.models import AuditEvent

ONCE_PER = timedelta(minutes=10)


def record_read(*, actor: Actor, action: str, thing: object, now: datetime) -> None:
    """Counts once per actor, object and ten minutes: following a page is one reading, not one per poll."""
    what = ref(thing)
    recent = AuditEvent.objects.filter(
        actor_id=str(actor.user.pk), object_id=what.id, action=action, outcome="done", time__gt=now - ONCE_PER
    )
    if not recent.exists():
        with transaction.atomic():
            record(actor=actor, action=action, thing=what, now=now)


def record_denial(*, actor: Actor, action: str, thing: object, reasons: tuple[str, ...], now: datetime) -> None:
    """In a transaction of its own: that of the refused act is rolled back."""
    with transaction.atomic():
        record(actor=actor, action=action, thing=thing, now=now, outcome="denied", reason=" ".join(reasons))
