"""Celery's entry points. Each takes at most an id, tolerates what it does not know, and calls one use-case."""

from celery import shared_task
from celery.signals import worker_init, worker_shutting_down
from django.conf import settings
from django.utils import timezone

from runbooks import outbox, worker
from runbooks.domain.addresses import NOTHING_ALLOWED, Allowed
from runbooks.domain.ports import Notifier
from runbooks.notifications.apprise import AppriseNotifier
from runbooks.notifications.email import EmailNotifier
from runbooks.notifications.slack import SlackNotifier
from runbooks.notifications.webhook import WebhookNotifier
from runbooks.outgoing.http import CheckedHttp
from runbooks.usecases.nodes.look_at_key import look
from runbooks.usecases.notifications.deliver import OWN, deliver_due
from runbooks.usecases.notifications.endpoint_secrets import StoredEndpointSecrets
from runbooks.usecases.runs.children import settle_child
from runbooks.usecases.runs.execute import execute as execute_step


def notifiers(*, allowed: Allowed) -> dict[str, Notifier]:
    """The channels by name. ALLOWED is for endpoints of places, never for a person's own."""
    outgoing, to_public = CheckedHttp(allowed=allowed), CheckedHttp(allowed=NOTHING_ALLOWED)
    return {
        "email": EmailNotifier(),
        "webhook": WebhookNotifier(outgoing),
        "slack": SlackNotifier(outgoing),
        "apprise": AppriseNotifier(),
        f"{OWN}webhook": WebhookNotifier(to_public),
        f"{OWN}slack": SlackNotifier(to_public),
    }


NOTIFIERS = notifiers(allowed=settings.OPSAAS_OUTGOING_ALLOW)


@shared_task(name=outbox.EXECUTE, ignore_result=True)
def execute(*, id: str, **_unknown: object) -> None:
    execute_step(step_run_id=id, host=worker.host(), clock=timezone.now)


@shared_task(name=outbox.DELIVER, ignore_result=True)
def deliver(**_unknown: object) -> None:
    deliver_due(notifiers=NOTIFIERS, endpoint_secrets=StoredEndpointSecrets(), clock=timezone.now)


@shared_task(name=outbox.LOOK_AT_KEY, ignore_result=True)
def look_at_key(*, id: str, **_unknown: object) -> None:
    look(node_id=id, looker=worker.host().keys, secrets=worker.host().secrets, clock=timezone.now)


@shared_task(name=outbox.SETTLE, ignore_result=True)
def settle(*, id: str, **_unknown: object) -> None:
    settle_child(step_run_id=id, now=timezone.now())


@worker_init.connect
def _start(**_unknown: object) -> None:
    worker.host()


@worker_shutting_down.connect
def _stop(**_unknown: object) -> None:
    worker.drain()
