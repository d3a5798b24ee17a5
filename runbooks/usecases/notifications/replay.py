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


def replay(*, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Raises NotAllowed, and Conflict for what is still on its way or never had one."""
    action = "notification.replayed"
    require(may_replay(actor=actor, delivery=delivery, now=now), action=action, thing=delivery)
    if delivery.channel in NOWHERE:
        raise Conflict("This message was never to be sent: it is only shown here.", code="not_sent")
    if delivery.endpoint and delivery.endpoint.archived_at:
        raise Conflict("Its endpoint is archived.", code="archived")
    with transaction.atomic():
        at_rest = Delivery.objects.filter(pk=delivery.pk, next_attempt_at=None, held_until=None, digest=None)
        if not at_rest.update(next_attempt_at=now, attempts=0, delivered_at=None):
            raise Conflict("It is still on its way, or went into a digest.", code="on_its_way")
        record(actor=actor, action=action, thing=delivery, now=now)
        outbox.hint_deliveries()
