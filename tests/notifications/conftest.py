from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone
from pytest_django import Settings

from runbooks import tasks
from runbooks.audit.sequence import drain
from runbooks.domain.addresses import read_allowed
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
        channels = tasks.notifiers(allowed=settings.OPSAAS_OUTGOING_ALLOW)
        drain()
        announce_uses(now=timezone.now())
        announce_events(now=timezone.now())
        send_digests(now=timezone.now())
        deliver_due(notifiers=channels, endpoint_secrets=StoredEndpointSecrets(), clock=timezone.now)

    return once
