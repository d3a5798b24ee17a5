"""Webhooks to a real server: what it is sent, how it is signed, and what becomes of a server that takes nothing."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from runbooks.domain.addresses import read_allowed
from runbooks.domain.ports import Message, NotDelivered
from runbooks.domain.signing import BadSecret, key_of, new_secret
from runbooks.models import AuditEvent, Delivery, DeliveryAttempt, Endpoint, EndpointSecret, Run
from runbooks.notifications import apprise
from runbooks.notifications.apprise import AppriseNotifier
from runbooks.usecases.notifications.deliver import BACK_OFF, JITTER, deliver_due, pause_after
from runbooks.usecases.notifications.endpoint_secrets import StoredEndpointSecrets
from runbooks.usecases.notifications.endpoints import archive_endpoint, change_endpoint, try_endpoint
from runbooks.usecases.notifications.replay import replay
from tests.notifications.conftest import Telling
from tests.outgoing.receiver import Receiver
from tests.world import World

SECRET = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def test_the_reference_library_accepts_what_is_sent(world: World, receiver: Receiver, tell: Telling) -> None:
    world.told_by_webhook(receiver.url, secret=SECRET, events=["finished"])
    run = world.executed(
        world.started(world.published(parameters=[{"name": "word", "type": "string"}]), {"word": "hush"})
    )
    tell()
    (got,) = receiver.got
    said = Webhook(SECRET).verify(got.body, got.headers)
    assert said == json.loads(got.body)
    assert (said["type"], said["data"]["outcome"], said["data"]["who"]) == ("run.finished", "succeeded", "runner")
    assert said["data"]["run"] == {
        "id": str(run.pk),
        "status": "succeeded",
        "exit_code": 0,
        "version": 1,
        "trigger": "ui",
        "requested_by": "runner",
    }
    assert said["data"]["link"].endswith(f"/runs/{run.pk}")
    assert b"hush" not in got.body  # values are for who may see the run
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(got.body, got.headers)


def test_one_act_is_sent_once_however_often_the_log_is_read(world: World, receiver: Receiver, tell: Telling) -> None:
    world.told_by_webhook(receiver.url, events=["finished", "succeeded", "started", "requested"])
    world.executed(world.started())
    for _ in range(3):
        tell()
    assert [json.loads(got.body)["data"]["event"] for got in receiver.got] == ["requested", "started", "succeeded"]
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 3


def test_a_server_that_fails_is_tried_again_under_the_same_id(world: World, receiver: Receiver, tell: Telling) -> None:
    receiver.answers = [(503, {}, b"<b>later</b>"), (200, {}, b"")]
    world.told_by_webhook(receiver.url, events=["finished"])
    run = world.executed(world.started())
    tell()
    message = Delivery.objects.get(channel="webhook")
    assert (message.attempts, message.delivered_at, message.last_error) == (1, None, "The server answered 503.")
    assert Run.objects.get(pk=run.pk).status == "succeeded"
    Delivery.objects.update(next_attempt_at=timezone.now())
    tell()
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    tries = list(DeliveryAttempt.objects.filter(delivery=message).values_list("code", "said"))
    assert tries == [(503, "<b>later</b>"), (200, "")]


def test_a_server_that_wants_no_more_is_not_asked_again(world: World, receiver: Receiver, tell: Telling) -> None:
    receiver.answers = [(410, {}, b"")]
    world.told_by_webhook(receiver.url, events=["finished"])
    world.executed(world.started())
    tell()
    assert Delivery.objects.get(channel="webhook").next_attempt_at is None
    assert AuditEvent.objects.filter(action="notification.given_up").count() == 1


def test_a_redirect_is_said_and_not_followed(world: World, receiver: Receiver, tell: Telling) -> None:
    receiver.answers = [(302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b"")]
    world.told_by_webhook(receiver.url, events=["finished"])
    world.executed(world.started())
    tell()
    assert "redirect, which is not followed" in Delivery.objects.get(channel="webhook").last_error
    assert len(receiver.got) == 1


def test_an_address_that_became_private_is_given_up_at_once(
    world: World, receiver: Receiver, tell: Telling, settings: Settings
) -> None:
    world.told_by_webhook(receiver.url, events=["finished"])
    settings.OPSAAS_OUTGOING_ALLOW = read_allowed([])
    world.executed(world.started())
    tell()
    message = Delivery.objects.get(channel="webhook")
    assert message.next_attempt_at is None
    assert "OPSAAS_OUTGOING_ALLOW" in message.last_error
    assert receiver.got == []


def test_pauses_grow_and_are_never_quite_the_same_for_all() -> None:
    for tries, least in enumerate(BACK_OFF, start=1):
        assert pause_after(tries, chance=0) == least
        assert pause_after(tries, chance=1) == least * (1 + JITTER)
    assert pause_after(len(BACK_OFF) + 1, chance=0) is None


def test_somebody_sends_it_once_more_and_the_log_knows(world: World, receiver: Receiver, tell: Telling) -> None:
    world.told_by_webhook(receiver.url, events=["finished"])
    world.executed(world.started())
    tell()
    replay(actor=world.actor("owner"), delivery=Delivery.objects.get(channel="webhook"), now=timezone.now())
    tell()
    first, second = receiver.got
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert AuditEvent.objects.filter(action="notification.replayed", actor_name="owner").count() == 1


def test_a_test_message_says_that_it_is_one(world: World, receiver: Receiver, tell: Telling) -> None:
    endpoint = world.told_by_webhook(receiver.url, secret=SECRET, events=["finished"])
    try_endpoint(actor=world.actor("owner"), endpoint=endpoint, now=timezone.now())
    tell()
    assert Webhook(SECRET).verify(receiver.got[0].body, receiver.got[0].headers)["type"] == "endpoint.test"
    assert AuditEvent.objects.filter(action="endpoint.tried", actor_name="owner").count() == 1


def test_slack_gets_text_and_blocks_in_which_nothing_is_a_link_or_a_call(
    world: World, receiver: Receiver, tell: Telling
) -> None:
    world.told_by_webhook(receiver.url + "/T0/secret", kind="slack", events=["requested"])
    runbook = world.published(risk="high")
    answer = world.client("runner")("POST", "/runs", {"runbook": runbook.path, "reason": "<!channel> *hi* & bye"})
    assert answer.status_code == 202
    tell()
    (got,) = receiver.got
    said = json.loads(got.body)
    assert (got.path, said["text"]) == ("/hook/T0/secret", "runner asked for a run of payments/hello")
    assert [block["type"] for block in said["blocks"]] == ["section", "section", "actions"]
    assert "&lt;!channel&gt; *hi* &amp; bye" in said["blocks"][1]["text"]["text"]
    assert said["blocks"][1]["text"]["type"] == "plain_text"
    assert said["blocks"][2]["elements"][0]["url"].endswith(f"/runs/{answer.json()['id']}")


def test_a_new_secret_and_a_new_address_count_from_the_next_message_on(
    world: World, receiver: Receiver, tell: Telling
) -> None:
    endpoint, now = world.told_by_webhook("https://hooks.example.org/", events=["finished"]), timezone.now()
    change_endpoint(actor=world.actor("owner"), endpoint=endpoint, address=receiver.url, secret=SECRET, now=now)
    world.executed(world.started())
    tell()
    assert Webhook(SECRET).verify(receiver.got[0].body, receiver.got[0].headers)


def test_no_secret_is_anywhere_but_in_its_envelope(world: World, receiver: Receiver, tell: Telling) -> None:
    world.told_by_webhook(receiver.url, secret=SECRET, events=["finished"])
    world.told_by_webhook(receiver.url + "/T0/hush", slug="chat", kind="slack", events=["finished"])
    world.executed(world.started())
    tell()
    rows = [*Delivery.objects.values_list(), *Endpoint.objects.values_list(), *DeliveryAttempt.objects.values_list()]
    bodies = [bytes(body) for body in AuditEvent.objects.values_list("body", flat=True)]
    kept = [bytes(row.content) + bytes(row.wrapped_key) for row in EndpointSecret.objects.all()]
    assert len(kept) == 2
    for secret in (SECRET.removeprefix("whsec_"), "hush"):
        assert secret not in str(rows)
        assert not any(secret.encode() in one for one in bodies + kept)


def test_what_is_archived_is_told_no_more_and_its_secret_is_gone(
    world: World, receiver: Receiver, tell: Telling
) -> None:
    endpoint = world.told_by_webhook(receiver.url, events=["finished"])
    try_endpoint(actor=world.actor("owner"), endpoint=endpoint, now=timezone.now())
    archive_endpoint(actor=world.actor("owner"), endpoint=endpoint, now=timezone.now())
    world.executed(world.started())
    tell()
    assert receiver.got == []
    assert not EndpointSecret.objects.exists()
    assert "archived" in Delivery.objects.get(endpoint=endpoint).last_error


def test_an_unreadable_secret_fails_the_delivery_alone(world: World, receiver: Receiver, tell: Telling) -> None:
    world.told_by_webhook(receiver.url, events=["finished"])
    EndpointSecret.objects.update(content=b"x" * 40)
    world.executed(world.started())
    tell()
    assert "can't be read" in Delivery.objects.get(channel="webhook").last_error
    assert Delivery.objects.filter(channel="email", delivered_at__isnull=False).count() == 2


def test_a_channel_that_no_worker_knows_is_said(world: World, receiver: Receiver) -> None:
    endpoint = world.told_by_webhook(receiver.url, events=["finished"])
    try_endpoint(actor=world.actor("owner"), endpoint=endpoint, now=timezone.now())
    deliver_due(
        notifiers={}, endpoint_secrets=StoredEndpointSecrets(), clock=lambda: timezone.now() + timedelta(seconds=1)
    )
    assert Delivery.objects.get().last_error == "No worker here knows the channel webhook."


def test_apprise_that_is_not_installed_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "apprise", None)
    with pytest.raises(NotDelivered, match=r"install opsaas\[apprise\]"):
        AppriseNotifier().send(Message("json://localhost", "subject", "text"))


def test_apprise_sends_to_a_service_that_it_knows(receiver: Receiver) -> None:
    pytest.importorskip("apprise", reason="opsaas[apprise] is not installed")
    AppriseNotifier().send(Message(f"json://{receiver.host}/", "the subject", "the text"))
    said = json.loads(receiver.got[0].body)
    assert (said["title"], said["message"]) == ("the subject", "the text")
    with pytest.raises(NotDelivered, match="does not know"):
        AppriseNotifier().send(Message("nosuchservice://x", "subject", "text"))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "whsec_" + "A" * 200, "not base64!", "whsec_é"])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(BadSecret):
        key_of(secret)
    assert len(key_of(new_secret())) == 32
