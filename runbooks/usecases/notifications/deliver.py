"""Sending what is due, with retries; a failed delivery marks the delivery, never the run."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from runbooks import outbox
from runbooks.audit.record import record
from runbooks.domain.ports import Message, NotDelivered, Notifier
from runbooks.models import Delivery

BACK_OFF = [timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600, 6 * 3600)]
IN_FLIGHT = timedelta(minutes=2)
AT_ONCE = 10  # a server that hangs may cost ten seconds for each: less than IN_FLIGHT in all
FORGOTTEN = timedelta(seconds=10)  # a hint was sent when they became due; by now it was lost


def deliver_due(*, notifiers: Mapping[str, Notifier], now: datetime) -> int:
    """Takes what is due and nobody else has, and sends it; answers how many were tried. Said twice to workers, a
    message is sent once."""
    tried = 0
    while taken := _take(now=now):
        errors = {delivery.pk: _error(delivery, notifiers) for delivery in taken}
        _delivered([delivery for delivery in taken if errors[delivery.pk] is None], now=now)
        for delivery in taken:
            if error := errors[delivery.pk]:
                _failed(delivery=delivery, error=error, now=now)
        tried += len(taken)
    return tried


def hint_due(*, now: datetime) -> None:
    """Sends a hint where deliveries have been due for a while: their time has come again, or a hint was lost."""
    with transaction.atomic():
        if Delivery.objects.filter(next_attempt_at__lte=now - FORGOTTEN).exists():
            outbox.hint_deliveries()


@transaction.atomic
def _take(*, now: datetime) -> Sequence[Delivery]:
    due = Delivery.objects.filter(delivered_at=None, next_attempt_at__lte=now).order_by("next_attempt_at")
    taken = list(due.select_for_update(of=("self",), skip_locked=True).select_related("run__runbook")[:AT_ONCE])
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in taken]).update(
        next_attempt_at=now + IN_FLIGHT, attempts=F("attempts") + 1
    )
    return taken


def _error(delivery: Delivery, notifiers: Mapping[str, Notifier]) -> str | None:
    """Sends it; answers why it could not be sent."""
    try:
        notifiers[delivery.channel].send(Message(delivery.address, delivery.subject, delivery.text))
    except NotDelivered as error:
        return str(error) or "The channel did not take it."
    return None


@transaction.atomic
def _delivered(deliveries: Sequence[Delivery], *, now: datetime) -> None:
    keys = [delivery.pk for delivery in deliveries]
    Delivery.objects.filter(pk__in=keys).update(delivered_at=now, next_attempt_at=None, last_error="")
    for delivery in deliveries:
        record(actor=None, action="notification.delivered", thing=delivery, now=now)


def _failed(*, delivery: Delivery, error: str, now: datetime) -> None:
    tried = delivery.attempts + 1
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
