"""The log: with its act or not at all, gapless, and told of what was refused."""

import hashlib
import json

import pytest
from django.db import transaction
from django.utils import timezone

from runbooks.audit.reads import record_read
from runbooks.audit.record import record
from runbooks.audit.sequence import drain
from runbooks.models import AuditEvent, AuditLeaf, AuditPending, Run
from runbooks.usecases.people.signing_in import record_sign_in
from tests.world import World


def test_an_event_shares_the_fate_of_its_act(world: World) -> None:
    before = AuditEvent.objects.count()

    def fail() -> None:
        with transaction.atomic():
            record(actor=world.actor("runner"), action="test", thing=world.project, now=timezone.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert AuditEvent.objects.count() == before


def test_an_act_that_can_not_be_logged_does_not_happen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    runbook = world.published()

    def broken(**_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("runbooks.usecases.runs.start.record", broken)
    with pytest.raises(OSError, match="no space"):
        world.started(runbook)
    assert not Run.objects.exists()


def test_numbers_are_gapless_and_leaves_are_those_of_rfc_6962(world: World) -> None:
    world.published()
    drain()
    world.published("other")
    drain()
    assert not AuditPending.objects.exists()
    leaves = list(AuditLeaf.objects.order_by("seq"))
    assert [leaf.seq for leaf in leaves] == list(range(AuditEvent.objects.count()))
    bodies = dict(AuditEvent.objects.values_list("pk", "body"))
    for leaf in leaves:
        assert bytes(leaf.leaf) == hashlib.sha256(b"\0" + bytes(bodies[leaf.event_id])).digest()


def test_a_leaf_can_be_computed_from_what_the_api_shows(world: World) -> None:
    world.published()
    shown = world.client("auditor")("GET", "/audit/events").json()["results"][0]
    seq = shown.pop("seq")
    body = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(b"\0" + body).digest() == bytes(AuditLeaf.objects.get(seq=seq).leaf)


def test_a_refusal_is_logged_with_its_reasons_under_the_action_that_was_refused(world: World) -> None:
    world.published()
    assert world.client("author")("POST", "/runs", {"runbook": "payments/hello"}).status_code == 403
    event = AuditEvent.objects.get(outcome="denied")
    assert (event.action, event.actor_name, event.object_name) == ("run.requested", "author", "payments/hello")
    assert "“run”" in json.loads(bytes(event.body))["reason"]


def test_what_is_hidden_and_what_is_absent_leave_the_same_kind_of_trace(world: World) -> None:
    runbook = world.published()
    for slug in ("hello", "absent"):
        assert world.client("stranger")("GET", f"/runbooks/payments/{slug}").status_code == 404
    hidden, absent = AuditEvent.objects.filter(outcome="denied").order_by("time")
    assert (hidden.action, hidden.object_id) == ("runbook.read", str(runbook.pk))
    assert (absent.action, absent.object_id) == ("runbook.read", "")


def test_reading_counts_once_in_ten_minutes_per_person_and_thing(world: World) -> None:
    first, second = world.started(), world.started(world.published("other"))
    for run in (first, first, second):
        for name in ("owner", "owner", "auditor"):
            record_read(actor=world.actor(name), action="run.output_read", thing=run, now=timezone.now())
    assert AuditEvent.objects.filter(action="run.output_read").count() == 4


def test_a_refusal_does_not_hide_the_reading_that_follows(world: World) -> None:
    assert world.client("auditor")("GET", "/audit/events").status_code == 200
    assert world.client("runner")("GET", "/audit/events").status_code == 403
    world.give("runner", world.project, "audit")
    assert world.client("runner")("GET", "/audit/events").status_code == 200
    reads = AuditEvent.objects.filter(action="audit.read", actor_name__startswith="runner")
    assert list(reads.order_by("time").values_list("outcome", flat=True)) == ["denied", "done"]


def test_reading_output_over_the_api_is_logged(world: World) -> None:
    run = world.executed(world.started())
    assert b"".join(world.client("owner")("GET", f"/runs/{run.pk}/log").streaming_content) == b"hello\n"
    assert AuditEvent.objects.filter(action="run.output_read", object_id=str(run.pk), actor_name="owner").exists()


def test_a_failed_sign_in_never_keeps_what_was_typed_for_nobody(world: World) -> None:
    record_sign_in(name="my-password-by-mistake", ip="192.0.2.1", user=None)
    event = AuditEvent.objects.get(action="signin.failed")
    assert b"my-password" not in bytes(event.body)
    assert json.loads(bytes(event.body))["origin"]["ip"] == "192.0.2.1"


def test_an_auditor_of_one_project_sees_nothing_of_others(world: World) -> None:
    world.started()
    made = world.client("admin")("POST", "/projects", {"slug": "secret", "title": "Secret"})
    assert made.status_code == 201
    names = [event["object"]["name"] for event in world.client("auditor")("GET", "/audit/events").json()["results"]]
    assert any("payments" in name for name in names)
    assert not any("secret" in name for name in names)
