"""Sending one message, with retries; a failed delivery marks the delivery, never the run."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from runbooks import outbox
from runbooks.audit.record import record
from runbooks.domain.ports import Message, NotDelivered, Notifier
from runbooks.models import Delivery

BACK_OFF = [timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600, 6 * 3600)]
IN_FLIGHT = timedelta(minutes=2)


def deliver(*, delivery_id: str, notifiers: Mapping[str, Notifier], now: datetime) -> None:
    """Takes the delivery if it is due and nobody else has it; a message said twice to a worker is sent once."""
    due = Delivery.objects.filter(pk=delivery_id, delivered_at=None, next_attempt_at__lte=now)
    if not due.update(next_attempt_at=now + IN_FLIGHT, attempts=F("attempts") + 1):
        return
    delivery = Delivery.objects.select_related("recipient").get(pk=delivery_id)
    try:
        notifiers[delivery.channel].send(Message(delivery.address, delivery.subject, delivery.text))
    except NotDelivered as error:
        _failed(delivery=delivery, error=str(error), now=now)
        return
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(delivered_at=now, next_attempt_at=None, last_error="")
        record(actor=None, action="notification.delivered", thing=delivery, now=now)


def send_due(*, now: datetime, limit: int = 200) -> int:
    """Sends hints for deliveries whose time has come again."""
    due = Delivery.objects.filter(next_attempt_at__lte=now - timedelta(seconds=10)).values_list("pk", flat=True)[:limit]
    for delivery_id in list(due):
        with transaction.atomic():
            outbox.send(task=outbox.DELIVER, object_id=delivery_id)
    return len(due)


def _failed(*, delivery: Delivery, error: str, now: datetime) -> None:
    tried = delivery.attempts
    again = now + BACK_OFF[tried - 1] if tried <= len(BACK_OFF) else None
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=again, last_error=error[:2000])
        if again is None:
            record(
                actor=None,
                action="notification.given_up",
                thing=delivery,
                outcome="failed",
                reason=error[:500],
                now=now,
            )
