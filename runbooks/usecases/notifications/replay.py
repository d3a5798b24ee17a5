"""Sending a message once more, because somebody wants it: the same text, under the same id."""

from datetime import datetime

from django.db import transaction

from runbooks import outbox
from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.audit.record import record
from runbooks.models import Delivery
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.notifications.duty import may_replay

NOWHERE = ("page", "none")
ON_ITS_WAY = "It is still on its way, or went into a digest."


def replay(*, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Raises NotAllowed, and Conflict for what is still on its way or never had one."""
    action = "notification.replayed"
    require(may_replay(actor=actor, delivery=delivery, now=now), action=action, thing=delivery)
    if reason := why_not_again(delivery):
        raise Conflict(reason, code="not_at_rest")
    with transaction.atomic():
        at_rest = Delivery.objects.filter(pk=delivery.pk, next_attempt_at=None, held_until=None, digest=None)
        if not at_rest.update(next_attempt_at=now, attempts=0, delivered_at=None):
            raise Conflict(ON_ITS_WAY, code="not_at_rest")
        record(actor=actor, action=action, thing=delivery, now=now)
        outbox.hint_deliveries()


def why_not_again(delivery: Delivery) -> str | None:
    """For people; None where nothing speaks against it."""
    if delivery.channel in NOWHERE:
        return "This message was never to be sent: it is only shown here."
    if delivery.endpoint and delivery.endpoint.archived_at:
        return "Its endpoint is archived."
    if delivery.next_attempt_at or delivery.held_until or delivery.digest_id:
        return ON_ITS_WAY
    return None
