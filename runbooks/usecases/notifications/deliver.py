"""Sending what is due, with retries; a failed delivery marks the delivery, never the run."""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from runbooks import outbox
from runbooks.audit.record import record
from runbooks.domain.ports import EndpointSecrets, Message, NoSecret, NotDelivered, Notifier, Receipt
from runbooks.models import Delivery, DeliveryAttempt, EndpointKind

log = logging.getLogger(__name__)

BACK_OFF = [timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600, 6 * 3600)]
JITTER = 0.25  # at most so much more, so that what failed together does not come back together
IN_FLIGHT = timedelta(minutes=2)
OWN = "own_"  # before a channel: for a person's own endpoints, which the allow-list is not for
AT_ONCE = 10  # a server that hangs may cost ten seconds for each: less than IN_FLIGHT in all
FORGOTTEN = timedelta(seconds=10)  # a hint was sent when they became due; by now it was lost


def deliver_due(
    *,
    notifiers: Mapping[str, Notifier],
    clock: Callable[[], datetime],
    endpoint_secrets: EndpointSecrets | None = None,
) -> int:
    """Takes what is due and nobody else has, and sends it; answers how many were tried. Said twice to workers, a
    message is sent once. What became of each is written before the next is sent."""
    tried = 0
    while taken := _take(now=clock()):
        for delivery in taken:
            result = _sent(delivery, notifiers, endpoint_secrets)
            if isinstance(result, Receipt):
                _delivered(delivery=delivery, receipt=result, now=clock())
            else:
                _failed(delivery=delivery, error=result, now=clock())
        tried += len(taken)
    return tried


def hint_due(*, now: datetime) -> None:
    """Sends a hint where deliveries have been due for a while: their time has come again, or a hint was lost."""
    with transaction.atomic():
        if Delivery.objects.filter(next_attempt_at__lte=now - FORGOTTEN).exists():
            outbox.hint_deliveries()


def pause_after(tries: int, *, chance: float) -> timedelta | None:
    """Until the next try, when so many failed; None: it is given up. CHANCE is from 0 to 1."""
    return BACK_OFF[tries - 1] * (1 + JITTER * chance) if tries <= len(BACK_OFF) else None


@transaction.atomic
def _take(*, now: datetime) -> Sequence[Delivery]:
    due = Delivery.objects.filter(delivered_at=None, next_attempt_at__lte=now).order_by("next_attempt_at")
    found = due.select_for_update(of=("self",), skip_locked=True).select_related("endpoint", "recipient")
    taken = list(found[:AT_ONCE])
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in taken]).update(
        next_attempt_at=now + IN_FLIGHT, attempts=F("attempts") + 1
    )
    return taken


def _sent(
    delivery: Delivery, notifiers: Mapping[str, Notifier], endpoint_secrets: EndpointSecrets | None
) -> Receipt | NotDelivered:
    try:
        return _notifier(delivery, notifiers).send(_message(delivery, endpoint_secrets))
    except NotDelivered as error:
        return error
    except NoSecret as error:
        return NotDelivered(str(error))
    except Exception as error:  # noqa: BLE001  (of this message alone: those after it are sent)
        log.error("the delivery %s failed in an unexpected way: %s", delivery.pk, type(error).__name__)
        return NotDelivered(f"The channel failed in an unexpected way ({type(error).__name__}).")


def _notifier(delivery: Delivery, notifiers: Mapping[str, Notifier]) -> Notifier:
    if delivery.endpoint and delivery.endpoint.archived_at:
        raise NotDelivered("The endpoint was archived before this could be sent.", for_good=True)
    own = delivery.endpoint is not None and delivery.endpoint.person_id is not None
    channel = f"{OWN}{delivery.channel}" if own else delivery.channel
    if channel not in notifiers:
        raise NotDelivered(f"No worker here knows the channel {channel}.")
    return notifiers[channel]


def _message(delivery: Delivery, endpoint_secrets: EndpointSecrets | None) -> Message:
    secret = ""
    if delivery.endpoint and endpoint_secrets:
        secret = endpoint_secrets.of(str(delivery.endpoint_id))
    signs = delivery.channel == EndpointKind.WEBHOOK
    recipient = delivery.endpoint.address if delivery.endpoint and signs else delivery.address
    return Message(
        recipient=secret if delivery.endpoint and not signs else recipient,
        subject=delivery.subject,
        text=delivery.text,
        id=f"msg_{delivery.pk.hex}",
        link=delivery.link,
        facts=delivery.facts,
        secret=secret if signs else "",
    )


@transaction.atomic
def _delivered(*, delivery: Delivery, receipt: Receipt, now: datetime) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(delivered_at=now, next_attempt_at=None, last_error="")
    DeliveryAttempt.objects.create(delivery=delivery, at=now, code=receipt.code, said=receipt.said)
    record(actor=None, action="notification.delivered", thing=delivery, now=now)


@transaction.atomic
def _failed(*, delivery: Delivery, error: NotDelivered, now: datetime) -> None:
    why = str(error)[:2000] or "The channel did not take it."
    chance = secrets.randbelow(1001) / 1000
    pause = None if error.for_good else pause_after(delivery.attempts + 1, chance=chance)
    again = now + pause if pause else None
    Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=again, last_error=why)
    DeliveryAttempt.objects.create(delivery=delivery, at=now, code=error.code, error=why, said=error.said)
    if again is None:
        reason = why[:500]
        record(actor=None, action="notification.given_up", thing=delivery, outcome="failed", reason=reason, now=now)
        _by_mail_instead(delivery, now=now)


def _by_mail_instead(delivery: Delivery, *, now: datetime) -> None:
    """Who chose a way that leads nowhere is told by mail: nobody falls silent by a wrong address."""
    if not delivery.endpoint_id or not delivery.recipient or not delivery.recipient.email:
        return
    copied = ("occasion", "event", "run", "runbook", "project", "recipient", "subject", "text", "link", "facts")
    mail = Delivery(**{name: getattr(delivery, name) for name in copied})
    mail.channel, mail.address, mail.next_attempt_at = "email", delivery.recipient.email, now
    Delivery.objects.bulk_create([mail], ignore_conflicts=True)
    outbox.hint_deliveries()
