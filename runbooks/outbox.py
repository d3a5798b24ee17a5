"""The only publisher to Celery: a row in the act's transaction, an id only, sent after the commit.

A message is a hint. When the broker is away the row stays, and the sweeper sends it later.
"""

import logging
from datetime import datetime, timedelta

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from runbooks.models import OutboxMessage

log = logging.getLogger(__name__)

EXECUTE = "runbooks.execute"
DELIVER = "runbooks.deliver"
ANNOUNCE_USE = "runbooks.announce_use"


def send(*, task: str, object_id: object) -> None:
    """Must be called inside the transaction of the act that the hint tells of."""
    message = OutboxMessage.objects.create(task=task, object_id=str(object_id))
    transaction.on_commit(lambda: publish(message))


def publish(message: OutboxMessage) -> bool:
    """Answers whether the broker took it; then the row is gone."""
    try:
        current_app.send_task(message.task, kwargs={"id": message.object_id}, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("the broker did not take a hint for %s %s: %s", message.task, message.object_id, error)
        return False
    OutboxMessage.objects.filter(pk=message.pk).delete()
    return True


def republish(*, now: datetime, older_than: timedelta, limit: int = 1000) -> int:
    """Sends what is left over from a broken publication; stops at the first that the broker does not take."""
    sent = 0
    for message in OutboxMessage.objects.filter(created_at__lt=now - older_than).order_by("created_at")[:limit]:
        if not publish(message):
            break
        sent += 1
    return sent
