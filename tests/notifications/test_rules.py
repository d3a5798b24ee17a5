"""Who is told of what: rules of places and versions, what people chose, digests; and who never is."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone

from runbooks import tasks
from runbooks.access.fetch import installation
from runbooks.domain.addresses import read_allowed
from runbooks.domain.notices import ACTIONS, ENDS, EVENTS, names_of
from runbooks.domain.problems import Invalid
from runbooks.domain.states import RUN_FINAL
from runbooks.models import AuditEvent, Delivery, Endpoint, NotificationChoice
from runbooks.notifications.email import EmailNotifier
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.grants.grant import grant
from runbooks.usecases.installation.kill_switch import set_accepts_runs
from runbooks.usecases.notifications.announce_events import announce_events
from runbooks.usecases.notifications.choose import choose
from runbooks.usecases.notifications.deliver import BACK_OFF, deliver_due
from runbooks.usecases.notifications.digests import send_digests
from runbooks.usecases.notifications.endpoint_secrets import StoredEndpointSecrets
from runbooks.usecases.notifications.endpoints import change_endpoint, create_endpoint, try_endpoint
from runbooks.usecases.notifications.replay import replay
from runbooks.usecases.notifications.ways import held_until
from tests.notifications.conftest import Telling
from tests.outgoing.receiver import Receiver
from tests.world import FakeExecutor, World
from tests.world import definition as words

HOOK = {"place": "project:payments", "slug": "hook", "title": "Hook", "kind": "webhook"}


def told(event: str) -> list[tuple[str, str]]:
    """Channel and name of everybody who was told of it."""
    found = Delivery.objects.filter(event=event).order_by("channel", "recipient__username")
    return [(one.channel, one.to_whom) for one in found]


def people(world: World, address: str, *events: str, **more: str) -> None:
    world.told_by_webhook(address, kind="people", slug=more.pop("slug", "people"), events=list(events), **more)


def test_a_rule_of_the_definition_tells_those_that_it_names(world: World, tell: Telling) -> None:
    world.group_of("auditor", "stranger", slug="sre")
    rules = [{"to": "group:sre", "on": ["started"]}, {"to": "requester", "on": ["failed", "succeeded"]}]
    world.executed(world.started(world.published(notify=rules)))
    tell()
    assert told("started") == [("email", "auditor")]  # the stranger may not see the runbook, and so is told nothing
    assert told("succeeded") == [("email", "runner")]
    texts = {one.to[0]: one.body for one in mail.outbox if "started" in one.subject or "succeeded" in one.subject}
    assert "runner has a run that started: payments/hello" in texts["auditor@example.org"]
    assert "/runs/" in texts["runner@example.org"]


def test_a_run_is_told_of_by_the_rules_of_its_own_version(world: World, tell: Telling) -> None:
    run = world.started(world.published(notify=[{"to": "auditors", "on": ["started"]}]))
    world.published(script="echo two", notify=[])
    world.executed(run)
    tell()
    assert told("started") == [("email", "auditor")]


def test_what_is_no_run_is_told_by_the_rules_of_the_published_version(world: World, tell: Telling) -> None:
    runbook = world.published(notify=[{"to": "user:auditor", "on": ["granted"]}])
    by, now = world.actor("owner"), timezone.now()
    grant(actor=by, principal=world.user("stranger"), place=runbook, rights=["view"], reason="why not", now=now)
    tell()
    (message,) = Delivery.objects.filter(event="granted")
    assert (message.to_whom, message.subject) == (
        "auditor",
        "[opsaas] owner granted rights to user:stranger on runbook:payments/hello",
    )
    assert message.facts["data"]["who"] == "owner"


def test_a_rule_that_names_what_is_not_there_is_seen_in_the_log_of_messages(world: World, tell: Telling) -> None:
    rules = [{"to": "endpoint:nowhere", "on": ["started"]}, {"to": "group:gone", "on": ["started"]}]
    world.executed(world.started(world.published(notify=rules)))
    tell()
    lost = Delivery.objects.filter(channel="none")
    assert sorted(one.address for one in lost) == ["endpoint:nowhere", "group:gone"]
    assert all("not there" in one.last_error for one in lost)


def test_a_definition_names_the_nearest_endpoint_of_that_slug(world: World, receiver: Receiver, tell: Telling) -> None:
    runbook = world.published(notify=[{"to": "endpoint:chat", "on": ["succeeded"]}])
    for place, path in [("installation", "far"), ("project:payments", "near"), (f"runbook:{runbook.path}", "here")]:
        world.told_by_webhook(f"{receiver.url}/{path}", place=place, slug="chat", events=["kill_switch"])
    world.executed(world.started(runbook))
    tell()
    assert [got.path for got in receiver.got] == ["/hook/here"]


def test_endpoints_hear_what_happens_at_their_place_and_nothing_else(
    world: World, receiver: Receiver, tell: Telling
) -> None:
    hello, other = world.published(), world.published("other")
    for place, path in [("installation", "all"), ("project:payments", "project"), (f"runbook:{other.path}", "other")]:
        world.told_by_webhook(f"{receiver.url}/{path}", place=place, slug=path, events=["requested", "kill_switch"])
    world.started(hello)
    set_accepts_runs(actor=world.actor("admin"), accepts=True, reason="", now=timezone.now())
    tell()
    heard = sorted((got.path.rpartition("/")[2], json.loads(got.body)["data"]["event"]) for got in receiver.got)
    assert heard == [("all", "kill_switch"), ("all", "requested"), ("project", "requested")]


def test_who_was_not_allowed_is_told_of_by_name(world: World, tell: Telling) -> None:
    people(world, "owners", "not_allowed")
    runbook = world.published()
    assert world.client("author")("POST", "/runs", {"runbook": runbook.path}).status_code == 403
    tell()
    assert told("not_allowed") == [("email", "owner"), ("email", "owner2")]


def test_owners_hear_of_an_end_once_whatever_rules_there_are(world: World, tell: Telling) -> None:
    people(world, "owners", "finished", "succeeded")
    world.executed(world.started(world.published(notify=[{"to": "owners", "on": ["succeeded"]}])))
    for _ in range(2):
        tell()
    assert sorted(one.to[0] for one in mail.outbox) == ["owner2@example.org", "owner@example.org"]


def test_who_asked_hears_of_problems_only_where_they_chose_so(world: World, tell: Telling) -> None:
    runbook = world.published()
    choose(actor=world.actor("runner"), pace="at_once", requested="problems", by_email=True, now=timezone.now())
    world.executed(world.started(runbook))
    tell()
    assert Delivery.objects.filter(recipient__username="runner").count() == 0
    from_failure = FakeExecutor()
    from_failure.outcome = type(from_failure.outcome)(kind=from_failure.outcome.kind, exit_code=3)
    world.executed(world.started(runbook), from_failure)
    tell()
    assert told("failed") == [("email", "runner")]


def test_the_last_way_can_not_be_closed(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        choose(actor=world.actor("owner"), pace="daily", requested="never", by_email=False, now=timezone.now())
    assert [problem.code for problem in refused.value.problems] == ["last_way"]
    assert not NotificationChoice.objects.exists()


def test_nobody_uses_anothers_endpoint_as_their_own(world: World) -> None:
    mine = {"place": "me", "slug": "mine", "title": "Mine", "kind": "slack", "address": "https://hooks.example.org/x"}
    create_endpoint(actor=world.actor("owner"), now=timezone.now(), **mine)
    with pytest.raises(Invalid, match="no endpoint"):
        choose(
            actor=world.actor("runner"),
            pace="daily",
            requested="never",
            by_email=False,
            endpoints=["mine"],
            now=timezone.now(),
        )


@pytest.mark.parametrize("kind", ["webhook", "slack"])
def test_of_an_address_only_the_host_is_ever_shown_again(world: World, kind: str) -> None:
    words = {**HOOK, "kind": kind, "events": ["failed"]}
    owner = world.client("owner")
    made = owner("POST", "/notifications/endpoints", {**words, "address": "https://hooks.example.org/T0/SECRET"})
    assert made.status_code == 201, made.content
    for reader in (owner, world.client("auditor")):
        answer = reader("GET", f"/notifications/endpoints/{made.json()['id']}")
        assert answer.json()["address"].removeprefix("https://") == "hooks.example.org"
        assert b"SECRET" not in answer.content
    page = world.browser("auditor").get(f"/notifications/{made.json()['id']}")
    assert (page.status_code, b"SECRET" in page.content) == (200, False)


def test_an_owner_without_address_finds_the_message_on_the_page(world: World, tell: Telling) -> None:
    owner = world.user("owner")
    owner.email = ""
    owner.save(update_fields=["email"])
    world.executed(world.started())
    tell()
    message = Delivery.objects.get(recipient=owner)
    assert message.channel == "page"
    assert message.delivered_at


def _own_way(world: World, receiver: Receiver) -> Endpoint:
    """The owner's, to a server that a person's own way does not lead to: past the check of its address."""
    words = {"place": "me", "slug": "mine", "title": "Mine", "kind": "webhook"}
    by, now = world.actor("owner"), timezone.now()
    made, _ = create_endpoint(actor=by, now=now, address="https://hooks.example.org/", **words)
    Endpoint.objects.filter(pk=made.pk).update(address=receiver.url)
    return Endpoint.objects.get(pk=made.pk)


def test_an_own_way_takes_the_place_of_mail_and_mail_that_of_a_way_that_leads_nowhere(
    world: World, receiver: Receiver, tell: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "NOTHING_ALLOWED", read_allowed([receiver.host]))  # as if it were a public server
    _own_way(world, receiver)
    by, now = world.actor("owner"), timezone.now()
    choose(actor=by, pace="at_once", requested="never", by_email=False, endpoints=["mine"], now=now)
    runbook = world.published()
    world.executed(world.started(runbook))
    tell()
    assert len(receiver.got) == 1
    assert "owner@example.org" not in [one.to[0] for one in mail.outbox]
    receiver.answers = [(410, {}, b"")]
    world.executed(world.started(runbook))
    tell()
    tell()
    assert "owner@example.org" in [one.to[0] for one in mail.outbox]


def test_a_digest_is_one_mail_and_what_is_urgent_does_not_wait_for_it(world: World, tell: Telling) -> None:
    choose(actor=world.actor("owner"), pace="daily", requested="never", by_email=True, now=timezone.now())
    choose(actor=world.actor("admin"), pace="daily", requested="never", by_email=True, now=timezone.now())
    people(world, "owners", "kill_switch", place="installation")
    runbook = world.published()
    runs = [world.executed(world.started(runbook)) for _ in range(3)]
    set_accepts_runs(actor=world.actor("admin"), accepts=False, reason="a storm", now=timezone.now())
    tell()
    got = [(one.to[0], one.subject) for one in mail.outbox]
    assert ("admin@example.org", "[opsaas] admin turned the kill switch of installation") in got
    assert "owner@example.org" not in [to for to, _ in got]
    tomorrow = timezone.now() + timedelta(days=1, hours=1)
    assert send_digests(now=tomorrow) == 3
    assert send_digests(now=tomorrow) == 0
    deliver_due(notifiers={"email": EmailNotifier()}, clock=lambda: tomorrow)
    (digest,) = [one for one in mail.outbox if one.to == ["owner@example.org"]]
    assert digest.subject == "[opsaas] 3 messages"
    assert all(str(run.pk) in digest.body for run in runs)


def test_when_digests_come() -> None:
    noon = datetime(2026, 11, 21, 12, 34, tzinfo=UTC)
    assert held_until("at_once", now=noon) is None
    assert held_until("hourly", now=noon) == datetime(2026, 11, 21, 13, tzinfo=UTC)
    assert held_until("daily", now=noon) == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert held_until("daily", now=noon.replace(hour=3)) == datetime(2026, 11, 21, 7, tzinfo=UTC)


def test_the_log_is_read_once_and_what_nobody_asked_for_costs_no_message(world: World, tell: Telling) -> None:
    world.executed(world.started())
    tell()
    assert announce_events(now=timezone.now()) >= 0
    assert set(Delivery.objects.values_list("event", flat=True)) == {"finished"}
    assert Delivery.objects.count() == 2


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"address": "http://hooks.example.org/"}, "/address"),
        ({"address": "https://127.0.0.1/"}, "/address"),
        ({"address": "https://[::ffff:10.0.0.1]/"}, "/address"),
        ({"address": "https://me:word@hooks.example.org/"}, "/address"),
        ({"address": "ftp://hooks.example.org/"}, "/address"),
        ({"events": []}, "/events"),
        ({"events": ["failed", "exploded"]}, "/events/1"),
        ({"secret": "whsec_short"}, "/secret"),
        ({"kind": "pigeon"}, "/kind"),
        ({"kind": "apprise", "address": "tgram://token"}, "/kind"),
        ({"kind": "slack", "secret": "whsec_" + "A" * 44}, "/secret"),
        ({"kind": "people", "address": "everybody"}, "/address"),
        ({"place": "me"}, "/events"),
    ],
)
def test_an_endpoint_that_makes_no_sense_is_refused_at_its_field(
    world: World, wrong: dict[str, object], pointer: str
) -> None:
    given = {**HOOK, "address": "https://hooks.example.org/", "events": ["failed"], **wrong}
    with pytest.raises(Invalid) as refused:
        create_endpoint(actor=world.actor("owner"), now=timezone.now(), **given)  # type: ignore[arg-type]
    assert pointer in [problem.pointer for problem in refused.value.problems]


def test_only_administrators_let_apprise_call_out(world: World) -> None:
    given = {
        **HOOK,
        "place": "installation",
        "kind": "apprise",
        "address": "tgram://123:secret/456",
        "events": ["failed"],
    }
    made, _ = create_endpoint(actor=world.actor("admin"), now=timezone.now(), **given)  # type: ignore[arg-type]
    assert made.address == "tgram://…"
    world.give("stranger", installation(), "grant")
    with pytest.raises(Invalid, match="only administrators"):
        change_endpoint(actor=world.actor("stranger"), endpoint=made, address="xml://10.0.0.1/", now=timezone.now())
    change_endpoint(actor=world.actor("stranger"), endpoint=made, title="Ours", now=timezone.now())
    change_endpoint(actor=world.actor("admin"), endpoint=made, address="xml://10.0.0.1/", now=timezone.now())
    assert made.address == "xml://…"


def test_a_slug_is_never_given_twice_at_a_place(world: World) -> None:
    world.told_by_webhook(events=["failed"])
    with pytest.raises(Conflict):
        world.told_by_webhook(events=["failed"])
    world.told_by_webhook(events=["failed"], place="installation")


def test_what_is_on_its_way_is_not_sent_again(world: World, receiver: Receiver) -> None:
    made = try_endpoint(
        actor=world.actor("owner"), endpoint=world.told_by_webhook(receiver.url, events=["failed"]), now=timezone.now()
    )
    with pytest.raises(Conflict, match="on its way"):
        replay(actor=world.actor("owner"), delivery=made, now=timezone.now())
    receiver.answers = [(500, {}, b"")]
    now = timezone.now()
    for _ in range(len(BACK_OFF) + 1):
        now += timedelta(days=1)
        deliver_due(notifiers={}, endpoint_secrets=StoredEndpointSecrets(), clock=repeat(now).__next__)
    made.refresh_from_db()
    replay(actor=world.actor("owner"), delivery=made, now=now)
    made.refresh_from_db()
    assert (made.attempts, made.next_attempt_at) == (0, now)


def test_the_api_shows_a_made_secret_once(world: World) -> None:
    owner = world.client("owner")
    made = owner(
        "POST", "/notifications/endpoints", {**HOOK, "address": "https://hooks.example.org/", "events": ["failed"]}
    )
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    again = owner("GET", made["Location"].removeprefix("/api/v1"))
    assert "secret" not in again.json()
    assert again.json()["place"] == "project:payments"


def test_every_end_of_a_run_is_an_event_and_every_event_is_of_an_act(world: World) -> None:
    for status in RUN_FINAL:
        assert status in EVENTS
        assert status in ENDS
    names = names_of(action="run.finished", outcome="done", details={"status": "failed"})
    assert names == ("failed", "finished")
    assert names_of(action="run.finished", outcome="denied", details={}) == ()
    assert "notification.delivered" not in ACTIONS  # or a message would be told of by a message
    assert "notification.given_up" not in ACTIONS


def test_choices_are_audited(world: World) -> None:
    answer = world.client("owner")(
        "PUT", "/me/notifications", {"pace": "hourly", "requested": "always", "by_email": True}
    )
    assert answer.json() == {"pace": "hourly", "requested": "always", "by_email": True, "endpoints": []}
    assert world.client("owner")("GET", "/me/notifications").json() == answer.json()
    assert AuditEvent.objects.filter(action="notification.chosen", actor_name="owner").count() == 1


def test_an_unknown_event_in_a_definition_is_refused_at_its_place(world: World) -> None:
    bad = words(notify=[{"to": "owners", "on": ["failed", "exploded"]}, {"to": "everybody", "on": ["failed"]}])
    answer = world.client("author")("PUT", "/runbooks/payments/hello/draft", bad)
    assert answer.status_code == 400
    assert {one["pointer"] for one in answer.json()["errors"]} == {"/spec/notify/0/on/1", "/spec/notify/1/to"}


def test_the_page_of_the_docs_lists_every_event() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/notifications.md").read_text()
    assert {name: event.title for name, event in EVENTS.items()} == dict(
        re.findall(r"^\| `(\w+)` \| (A .*|Somebody .*|An .*|The .*) \|$", text, re.MULTILINE)
    )
