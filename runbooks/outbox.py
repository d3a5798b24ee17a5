"""The only publisher to Celery: ids only, sent after the commit of the act that they tell of.

A message is a hint, and what it hints at is in the database before it is sent: a step run that is queued, a delivery
that is due. There is no second record of the hint itself. When the broker is away, or loses it, the scheduler's loops
find what has been waiting and send another.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from runbooks.models import StepRun

log = logging.getLogger(__name__)

QUEUE = "opsaas"
EXECUTE = "runbooks.execute"
DELIVER = "runbooks.deliver"
LOOK_AT_KEY = "runbooks.look_at_key"
SETTLE = "runbooks.settle"


def hint_step(step_run_id: UUID, *, zone: str = "") -> None:
    """A step run may be claimed. Must be called inside the transaction that queues it."""
    transaction.on_commit(lambda: _publish_step(step_run_id, zone))


def hint_steps(waiting: Sequence[tuple[UUID, str]]) -> None:
    """Likewise for many, each with its zone: a message for each, so that they spread over all workers of the zone."""
    transaction.on_commit(lambda: _publish_steps(waiting))


def queue_of(zone: str) -> str:
    """Workers of a network zone listen to a queue of its own; see OPSAAS_WORKER_ZONES."""
    return f"{QUEUE}.{zone}" if zone else QUEUE


def hint_key_look(node_id: UUID, *, zone: str) -> None:
    """Somebody wants to see a machine's host key. Must be called inside the transaction that writes it down. A hint
    that gets lost is not sent again: whoever waits for it sees that nobody has looked, and asks once more."""
    transaction.on_commit(lambda: _publish(LOOK_AT_KEY, {"id": str(node_id)}, zone=zone))


def hint_deliveries() -> None:
    """Deliveries are due. Must be called inside the transaction that writes them."""
    transaction.on_commit(lambda: _publish(DELIVER, {}))


def hint_settle(step_run_id: UUID) -> None:
    """The run of another runbook, which this step is, has ended. Must be called inside the transaction of its end."""
    transaction.on_commit(lambda: _publish(SETTLE, {"id": str(step_run_id)}))


def hint_later(step_run_id: UUID | str) -> None:
    """The hint came to nothing: the sweeper's next round sends another."""
    StepRun.objects.filter(pk=step_run_id).update(hinted_at=None)


def _publish_step(step_run_id: UUID, zone: str) -> bool:
    taken = _publish(EXECUTE, {"id": str(step_run_id)}, zone=zone)
    if not taken:
        hint_later(step_run_id)
    return taken


def _publish_steps(waiting: Sequence[tuple[UUID, str]]) -> None:
    """A broker that does not take one is not asked for each of the rest: the sweeper sends them."""
    for number, (step_run_id, zone) in enumerate(waiting):
        if not _publish_step(step_run_id, zone):
            left = [step_run_id for step_run_id, _ in waiting[number:]]
            StepRun.objects.filter(pk__in=left).update(hinted_at=None)
            return


def _publish(task: str, arguments: dict[str, str], *, zone: str = "") -> bool:
    """Answers whether the broker took it."""
    try:
        current_app.send_task(task, kwargs=arguments, retry=False, ignore_result=True, queue=queue_of(zone))
    except (OperationalError, OSError) as error:
        log.warning("the broker did not take a hint for %s %s: %s", task, arguments.get("id", ""), error)
        return False
    return True
