from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone
from pytest_django import Settings

from runbooks.audit.sequence import drain
from runbooks.domain.addresses import read_allowed
from runbooks.domain.ports import Notifier
from runbooks.notifications.email import EmailNotifier
from runbooks.notifications.slack import SlackNotifier
from runbooks.notifications.webhook import WebhookNotifier
from runbooks.outgoing.http import CheckedHttp
from runbooks.usecases.notifications.announce_events import announce_events
from runbooks.usecases.notifications.announce_use import announce_uses
from runbooks.usecases.notifications.deliver import deliver_due
from runbooks.usecases.notifications.digests import send_digests
from runbooks.usecases.notifications.endpoint_secrets import StoredEndpointSecrets
from tests.outgoing.receiver import Receiver, receiving

Telling = Callable[[], None]


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A server on this machine, which the allow-list names."""
    with receiving() as found:
        settings.OPSAAS_OUTGOING_ALLOW = read_allowed([found.host])
        yield found


@pytest.fixture
def tell(settings: Settings) -> Telling:
    """What scheduler and worker do, once: reads the log, writes messages, sends what is due."""

    def once() -> None:
        outgoing = CheckedHttp(allowed=settings.OPSAAS_OUTGOING_ALLOW)
        channels: dict[str, Notifier] = {
            "email": EmailNotifier(),
            "webhook": WebhookNotifier(outgoing),
            "slack": SlackNotifier(outgoing),
        }
        drain()
        announce_uses(now=timezone.now())
        announce_events(now=timezone.now())
        send_digests(now=timezone.now())
        deliver_due(notifiers=channels, endpoint_secrets=StoredEndpointSecrets(), now=timezone.now())

    return once
