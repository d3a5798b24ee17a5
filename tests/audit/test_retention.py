"""Old events lose their text and keep their leaf; what is held, unsigned or about the log itself loses nothing."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.utils import timezone

from runbooks.access.fetch import installation
from runbooks.audit.retire import BATCH, retire_due
from runbooks.management.commands import scheduler
from runbooks.models import AuditCheckpoint, AuditEvent, AuditHold, AuditLeaf, AuditRetirement, Project
from tests.audit.trees import KEY, add_events, checkpointed, verified
from tests.world import Api, World

LATER = timedelta(days=31)


def auditor(world: World, name: str = "auditor") -> Api:
    world.give(name, installation(), "audit")
    return world.client(name)


def retired(*, now: datetime | None = None) -> int:
    return retire_due(days=30, now=now or timezone.now() + LATER)


def signed_later() -> None:
    """As the scheduler signs right after it has dropped something."""
    checkpointed(now=timezone.now() + LATER)


def deleted(event: Any) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            key = AuditEvent._meta.pk.get_db_prep_value(event, connection)
            cursor.execute("DELETE FROM runbooks_auditevent WHERE id = %s", [key])
    except DatabaseError:
        return False
    return True


def test_the_text_goes_the_leaf_stays_and_the_log_is_whole(world: World) -> None:
    add_events(world, count=20)
    made = checkpointed()
    before = AuditLeaf.objects.count()
    assert retired() == made.size - 1, "all but the event of the key"
    assert AuditLeaf.objects.count() == before
    assert not verified(kept=[made.note]).whole, "nothing proves that retention told of it"
    signed_later()
    report = verified(kept=[made.note])
    assert (report.whole, report.dropped) == (True, made.size - 1), report
    told = json.loads(bytes(AuditEvent.objects.get(action="audit.bodies_dropped").body))
    assert told["details"]["count"] == made.size - 1
    assert retired() == 0


@pytest.mark.parametrize(("days", "signs"), [(-1, True), (30, False), (0, False)])
def test_the_scheduler_signs_as_soon_as_it_has_dropped_something(world: World, days: int, signs: bool) -> None:
    add_events(world, count=5)
    made = checkpointed()
    add_events(world)
    (tidier,) = [loop for loop in scheduler.loops() if loop.name == "tidier"]
    with override_settings(OPSAAS_AUDIT_KEYS=[KEY], OPSAAS_AUDIT_DAYS=days):
        tidier.once()
    assert AuditEvent.objects.filter(action="audit.bodies_dropped").exists() == signs
    assert AuditCheckpoint.objects.filter(size__gt=made.size).exists() == signs


def test_what_is_young_or_not_signed_yet_is_kept(world: World) -> None:
    checkpointed()
    assert retired(now=timezone.now()) == 0
    assert retire_due(days=0, now=timezone.now() + LATER) == 0
    kept = AuditEvent.objects.count()
    add_events(world, count=3)
    retired()
    assert AuditEvent.objects.filter(action="test").count() == 3
    assert AuditEvent.objects.count() < kept + 3


def test_many_go_in_several_transactions(world: World) -> None:
    add_events(world, count=BATCH + 30)
    checkpointed()
    assert retired() >= BATCH + 30
    assert AuditEvent.objects.filter(action="audit.bodies_dropped").count() == 2
    signed_later()
    assert verified().whole


def test_an_event_that_went_without_retention_is_still_found(world: World) -> None:
    add_events(world, count=5)
    made = checkpointed()
    retired()
    signed_later()
    event = AuditEvent.objects.get(action="audit.key_introduced")
    assert not deleted(event.pk)
    seq = AuditLeaf.objects.get(event_id=event.pk).seq
    AuditRetirement.objects.create(first_seq=seq, last_seq=seq, retired_at=timezone.now())
    assert deleted(event.pk), "whoever writes that row by hand"
    (finding,) = verified(kept=[made.note]).findings
    assert (finding.seq, "only its leaf is left" in finding.what) == (seq, True)


@pytest.mark.parametrize("project", ["payments", None])
def test_what_is_held_is_kept_by_the_database_itself(world: World, project: str | None) -> None:
    add_events(world, count=4)
    Project.objects.create(slug="other", title="Other")
    checkpointed()
    answer = auditor(world)("POST", "/audit/holds", {"project": project, "reason": "a lawsuit"})
    assert answer.status_code == 201, answer.json()
    retired()
    events = AuditEvent.objects.filter(action="test")
    assert events.count() == 4
    one = events.first()
    assert one
    seq = AuditLeaf.objects.get(event_id=one.pk).seq
    AuditRetirement.objects.create(first_seq=seq, last_seq=seq, retired_at=timezone.now())
    assert not deleted(one.pk)
    hold = answer.json()["id"]
    world.give("owner2", installation(), "audit")
    assert world.client("owner2")("POST", f"/audit/holds/{hold}/lift", {"reason": "settled"}).status_code == 200
    retired()
    assert not events.exists()
    signed_later()
    assert verified().whole


def test_who_placed_a_hold_does_not_lift_it_by_whatever_account(world: World) -> None:
    api = auditor(world)
    hold = api("POST", "/audit/holds", {"reason": "a lawsuit"}).json()["id"]
    robot = world.user("robot")
    type(robot).objects.filter(pk=robot.pk).update(owner=world.user("auditor"))
    for client in (api, auditor(world, "robot")):
        answer = client("POST", f"/audit/holds/{hold}/lift", {"reason": "mine"})
        assert answer.status_code == 403
        assert "ask another auditor" in answer.json()["reasons"][0]
    assert AuditHold.objects.get().lifted_at is None
    other = auditor(world, "owner2")
    assert other("POST", f"/audit/holds/{hold}/lift", {"reason": "settled"}).status_code == 200
    assert other("POST", f"/audit/holds/{hold}/lift", {"reason": "again"}).status_code == 409
    actions = AuditEvent.objects.filter(action__startswith="audit.hold_", outcome="done").order_by("time")
    assert list(actions.values_list("action", flat=True)) == ["audit.hold_placed", "audit.hold_lifted"]
    assert [one["reason"] for one in api("GET", "/audit/holds").json()["results"]] == ["a lawsuit"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"reason": "  "}, 400), ({"reason": "r", "project": "absent"}, 404), ({"reason": "r", "x": 1}, 400)],
)
def test_a_hold_without_sense_is_refused(world: World, body: dict[str, str], status: int) -> None:
    api = auditor(world)
    assert api("POST", "/audit/holds", body).status_code == status
    assert api("POST", "/audit/holds/nonsense/lift", {"reason": "r"}).status_code == 404
    assert not AuditHold.objects.exists()
