"""Mail through a real SMTP server, and what becomes of a message that no server takes."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import Message as Mail
from itertools import repeat

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from runbooks import outbox
from runbooks.domain.ports import Message, NotDelivered
from runbooks.models import AuditEvent, Delivery, Run
from runbooks.notifications.email import EmailNotifier
from runbooks.usecases.notifications.announce_use import announce_uses
from runbooks.usecases.notifications.deliver import BACK_OFF, deliver_due, hint_due
from tests.world import World, announced


class Mailbox:
    """Keeps what arrives; refuses addresses that begin with "nobody"."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def handle_RCPT(  # noqa: N802 - the library's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        return "250 kept"


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    _use(settings, server.port)
    yield box
    server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _use(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port


def test_each_owner_gets_one_mail_for_each_use(world: World, mailbox: Mailbox) -> None:
    run = world.executed(world.started())
    for _ in range(3):
        announced()
    assert sorted(mail["To"] for mail in mailbox.mails) == ["owner2@example.org", "owner@example.org"]
    text = mailbox.mails[0].get_payload(decode=True)
    assert isinstance(text, bytes)
    for said in (b"runner ran payments/hello", b"succeeded, exit code 0", str(run.pk).encode(), b"hello\r\n"):
        assert said in text
    assert not Delivery.objects.filter(delivered_at=None).exists()
    assert AuditEvent.objects.filter(action="notification.delivered").count() == 2


def test_a_refused_address_fails_the_delivery_and_not_the_run(world: World, mailbox: Mailbox) -> None:
    owner = world.user("owner")
    owner.email = "nobody@example.org"
    owner.save(update_fields=["email"])
    run = world.executed(world.started())
    announced()
    delivery = Delivery.objects.get(recipient=owner)
    assert "550 no such mailbox" in delivery.last_error
    assert (delivery.attempts, delivery.delivered_at) == (1, None)
    assert delivery.next_attempt_at
    assert Run.objects.get(pk=run.pk).status == "succeeded"


def test_a_server_that_is_away_is_tried_again_with_growing_pauses_and_then_given_up(
    world: World, settings: Settings
) -> None:
    _use(settings, free_port())
    world.executed(world.started())
    announced()
    delivery, now = Delivery.objects.get(recipient__username="owner"), timezone.now()
    for tries in range(2, len(BACK_OFF) + 2):
        now += timedelta(days=1)
        deliver_due(notifiers={"email": EmailNotifier()}, clock=repeat(now).__next__)
        delivery.refresh_from_db()
        assert delivery.attempts == tries
    assert delivery.next_attempt_at is None
    assert AuditEvent.objects.filter(action="notification.given_up", object_id=delivery.pk).count() == 1


def test_a_message_that_is_said_twice_to_workers_is_sent_once(world: World, mailbox: Mailbox) -> None:
    world.executed(world.started())
    announced()
    for _ in range(3):
        deliver_due(notifiers={"email": EmailNotifier()}, clock=timezone.now)
    assert len(mailbox.mails) == 2


def test_a_use_is_told_of_once_however_often_it_is_looked_for(world: World) -> None:
    run = world.started()
    assert announce_uses(now=timezone.now()) == 0
    world.executed(run)
    assert announce_uses(now=timezone.now()) == 1
    assert announce_uses(now=timezone.now()) == 0


def test_deliveries_whose_hint_was_lost_are_hinted_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    hints: list[str] = []

    def publish(task: str, _arguments: dict[str, str]) -> bool:
        hints.append(task)
        return True

    monkeypatch.setattr(outbox, "_publish", publish)
    world.executed(world.started())
    announce_uses(now=timezone.now())
    for later in (timedelta(), timedelta(minutes=1)):
        with django_capture_on_commit_callbacks(execute=True):
            hint_due(now=timezone.now() + later)
    assert hints == [outbox.DELIVER]


def test_line_breaks_in_a_name_can_not_add_headers(mailbox: Mailbox) -> None:
    with pytest.raises(NotDelivered):
        EmailNotifier().send(Message("owner@example.org", "hello\nBcc: everybody@example.org", "text"))
    assert mailbox.mails == []
