"""Whoever has the database's superuser changes the log by hand, past all triggers: the verifier names the place."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from runbooks.access.fetch import installation
from runbooks.audit import verifier
from runbooks.audit.checkpoint import make_checkpoint
from runbooks.audit.record import record
from runbooks.audit.sequence import drain
from runbooks.audit.tree import Tree
from runbooks.domain.manifest import canonical
from runbooks.domain.merkle import leaf_hash
from runbooks.domain.signed_notes import checkpoint_body, signed
from runbooks.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditPending
from runbooks.models.ids import new_id
from tests.audit.trees import KEY, OTHER_KEY, add_events, checkpointed, exported, verified
from tests.world import World

EVENTS, LEAVES, CHECKPOINTS = "runbooks_auditevent", "runbooks_auditleaf", "runbooks_auditcheckpoint"


def as_superuser() -> None:
    """No guard holds any more."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE 'runbooks_audit%_no_%'")
            for table, name in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name} ON {table}")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'runbooks_audit%_no_%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))


def id_of(seq: int) -> Any:
    found = AuditLeaf.objects.get(seq=seq).event_id
    return found if connection.vendor == "postgresql" else found.hex


def body_of(seq: int) -> bytes:
    return bytes(AuditEvent.objects.get(pk=AuditLeaf.objects.get(seq=seq).event_id).body)


def put_body(seq: int, body: bytes) -> None:
    sql(f"UPDATE {EVENTS} SET body = %s WHERE id = %s", body, id_of(seq))


def put_leaf(seq: int) -> None:
    sql(f"UPDATE {LEAVES} SET leaf = %s WHERE seq = %s", leaf_hash(body_of(seq)), seq)


def forged(body: bytes) -> bytes:
    return body.replace(b'"name":"runner"', b'"name":"nobody"', 1)


def move(old: int, new: int) -> None:
    sql(f"UPDATE {LEAVES} SET seq = %s WHERE seq = %s", new, old)


def cut_off(size: int) -> None:
    """All that is from SIZE on, events and leaves."""
    ids = [id_of(seq) for seq in range(size, AuditLeaf.objects.count())]
    for one in ids:
        sql(f"DELETE FROM {EVENTS} WHERE id = %s", one)
    sql(f"DELETE FROM {LEAVES} WHERE seq >= %s", size)
    sql("DELETE FROM runbooks_auditsubtree")


def put_note(note: str, *, size: int = 290) -> None:
    sql(f"UPDATE {CHECKPOINTS} SET note = %s WHERE size = %s", note, size)


def note_of(size: int, *, key: Any = KEY, root: bytes | None = None, days: float = 0) -> str:
    body = checkpoint_body(origin=key.name, size=size, root=root or Tree().root_of(size))
    return signed(body, keys=[key], at=timezone.now() + timedelta(days=days))


# --- what is done -----------------------------------------------------------------------------------------------------


def edit_body(world: World) -> None:
    put_body(100, forged(body_of(100)))


def edit_body_and_leaf(world: World) -> None:
    put_body(100, forged(body_of(100)))
    put_leaf(100)


def edit_body_leaf_and_stored_tree(world: World) -> None:
    edit_body_and_leaf(world)
    sql("DELETE FROM runbooks_auditsubtree")


def break_body(world: World) -> None:
    put_body(100, b"\xff\xfe")


def edit_leaf(world: World) -> None:
    sql(f"UPDATE {LEAVES} SET leaf = %s WHERE seq = 100", b"\x00" * 32)


def edit_column(world: World) -> None:
    sql(f"UPDATE {EVENTS} SET outcome = 'denied' WHERE id = %s", id_of(100))


def edit_who_may_see_it(world: World) -> None:
    sql(f"UPDATE {EVENTS} SET project_id = '' WHERE id = %s", id_of(100))


def edit_time_column(world: World) -> None:
    sql(f"UPDATE {EVENTS} SET time = %s WHERE id = %s", timezone.now() - timedelta(days=9), id_of(100))


def delete_event(world: World) -> None:
    sql(f"DELETE FROM {EVENTS} WHERE id = %s", id_of(100))


def delete_event_before_it_has_a_leaf(world: World) -> None:
    add_events(world)
    pending = AuditPending.objects.get()
    sql(
        f"DELETE FROM {EVENTS} WHERE id = %s",
        pending.event_id if connection.vendor == "postgresql" else pending.event_id.hex,
    )


def take_event_out_of_the_queue(world: World) -> None:
    add_events(world)
    AuditPending.objects.all().delete()


def delete_leaf(world: World) -> None:
    sql(f"DELETE FROM {LEAVES} WHERE seq = 100")


def delete_event_and_leaf(world: World) -> None:
    delete_event(world)
    delete_leaf(world)


def delete_and_close_the_gap(world: World) -> None:
    delete_event_and_leaf(world)
    for seq in range(101, AuditLeaf.objects.count() + 1):
        move(seq, seq - 1)
    sql("DELETE FROM runbooks_auditsubtree")


def insert_event_without_leaf(world: World) -> None:
    AuditEvent.objects.create(body=body_of(100), time=timezone.now(), action="test", outcome="done", actor_name="x")
    AuditPending.objects.all().delete()


def tell_of_a_drop(**told: Any) -> None:
    """As retention tells of it."""
    details = {"before": _said(timezone.now()), "count": 1, "ranges": [[100, 100]], **told}
    record(actor=None, action="audit.bodies_dropped", thing=installation(), now=timezone.now(), details=details)


def _said(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def delete_event_and_tell_of_a_drop_unsigned(world: World) -> None:
    delete_event(world)
    tell_of_a_drop()


def delete_event_and_tell_of_an_older_drop(world: World) -> None:
    delete_event(world)
    tell_of_a_drop(before=_said(timezone.now() - timedelta(days=30)))
    checkpointed()


def delete_event_and_tell_of_a_drop_of_the_future(world: World) -> None:
    delete_event(world)
    tell_of_a_drop(before=_said(timezone.now() + timedelta(days=30)))
    checkpointed()


def delete_event_and_tell_of_a_drop_of_no_time(world: World) -> None:
    delete_event(world)
    tell_of_a_drop(before="long ago")
    checkpointed()


def delete_events_that_a_drop_before_them_named(world: World) -> None:
    tell_of_a_drop(ranges=[[296, 298]])
    add_events(world, count=5)
    checkpointed()
    sql(f"DELETE FROM {EVENTS} WHERE id = %s", id_of(297))


def append_what_is_no_event(world: World) -> None:
    for body in (
        b"\xff",
        b"[]",
        b'{"action":"audit.bodies_dropped"}',
        b'{"action":"audit.bodies_dropped","details":{"ranges":7}}',
    ):
        made = AuditEvent.objects.create(body=body, time=timezone.now(), action="test")
        AuditLeaf.objects.create(seq=AuditLeaf.objects.count(), event_id=made.pk, leaf=leaf_hash(body))
    AuditPending.objects.all().delete()


def insert_in_the_middle(world: World) -> None:
    for seq in range(AuditLeaf.objects.count() - 1, 99, -1):
        move(seq, seq + 1)
    made = AuditEvent.objects.create(id=new_id(), body=forged(body_of(101)), time=timezone.now(), action="test")
    AuditLeaf.objects.create(seq=100, event_id=made.pk, leaf=leaf_hash(bytes(made.body)))
    AuditPending.objects.all().delete()
    sql("DELETE FROM runbooks_auditsubtree")


def swap_places(world: World) -> None:
    for old, new in ((100, 9999), (101, 100), (9999, 101)):
        move(old, new)


def swap_bodies(world: World) -> None:
    first, second = body_of(100), body_of(101)
    put_body(100, second)
    put_body(101, first)


def swap_events_of_leaves(world: World) -> None:
    first, second = id_of(100), id_of(101)
    other = new_id() if connection.vendor == "postgresql" else new_id().hex
    for seq, event in ((100, other), (101, first), (100, second)):
        sql(f"UPDATE {LEAVES} SET event_id = %s WHERE seq = %s", event, seq)


def edit_stored_tree(world: World) -> None:
    sql("UPDATE runbooks_auditsubtree SET hash = %s", b"\x00" * 32)


def cut_off_the_end(world: World) -> None:
    cut_off(280)


def cut_off_the_end_and_write_on(world: World) -> None:
    cut_off(280)
    add_events(world, count=30)
    drain()


def cut_off_with_checkpoints(world: World) -> None:
    cut_off(280)
    sql(f"DELETE FROM {CHECKPOINTS} WHERE size > 280")


def roll_back_and_sign_again(world: World) -> None:
    """As who puts an old copy of the database in place, and lets everything run on."""
    cut_off_with_checkpoints(world)
    add_events(world, count=20)
    checkpointed()


def fork(world: World) -> None:
    """Two heads of the same size, both by the log's own key."""
    cut_off(280)
    sql(f"DELETE FROM {CHECKPOINTS} WHERE size > 280")
    add_events(world, count=10)
    drain()
    assert checkpointed().size == 290


def backdate_an_event(world: World) -> None:
    body = {**_plain(body_of(100)), "time": "2020-01-01T00:00:00.000000Z"}
    made = AuditEvent.objects.create(body=canonical(body), time=timezone.now(), action="test")
    AuditLeaf.objects.create(seq=AuditLeaf.objects.count(), event_id=made.pk, leaf=leaf_hash(bytes(made.body)))
    AuditPending.objects.all().delete()


def write_an_event_of_the_past(world: World) -> None:
    record(actor=None, action="test", thing=world.project, now=timezone.now() - timedelta(days=400))


def edit_a_checkpoint(world: World) -> None:
    put_note(AuditCheckpoint.objects.get(size=290).note.replace("\n290\n", "\n291\n"))


def break_a_checkpoint(world: World) -> None:
    put_note("nothing")


def delete_a_checkpoint(world: World) -> None:
    sql(f"DELETE FROM {CHECKPOINTS} WHERE size = 290")


def sign_by_another_key(world: World) -> None:
    """With events forged and the stored tree made to fit."""
    edit_body_leaf_and_stored_tree(world)
    for size in (10, 290):
        put_note(note_of(size, key=OTHER_KEY), size=size)
        sql(f"UPDATE {CHECKPOINTS} SET root = %s WHERE size = %s", Tree().root_of(size), size)


def replace_a_checkpoint_by_an_older_one(world: World) -> None:
    put_note(AuditCheckpoint.objects.get(size=10).note)


def edit_what_is_listed_of_a_checkpoint(world: World) -> None:
    sql(f"UPDATE {CHECKPOINTS} SET root = %s WHERE size = 290", b"\x00" * 32)


def backdate_a_checkpoint(world: World) -> None:
    put_note(note_of(290, days=-2))


def _plain(body: bytes) -> dict[str, Any]:
    return dict(verifier._read(body.decode()))


@dataclass(frozen=True)
class Harm:
    done: Callable[[World], None]
    seq: int  # the place that is named
    says: str


HARMS = [
    Harm(edit_body, 100, "Event #100 was changed"),
    Harm(edit_body_and_leaf, 0, "Events #0 to #255 are not those that the stored tree was made from"),
    Harm(edit_body_leaf_and_stored_tree, 10, "Events #10 to #289 are not those that were signed"),
    Harm(break_body, 100, "Event #100 was changed"),
    Harm(edit_leaf, 100, "Event #100 was changed"),
    Harm(edit_column, 100, "Event #100 is listed with the outcome 'denied', but says 'done'"),
    Harm(edit_who_may_see_it, 100, "Event #100 is listed with the project_id ''"),
    Harm(edit_time_column, 100, "Event #100 is listed with the time"),
    Harm(delete_event, 100, "was deleted: only its leaf is left"),
    Harm(delete_event_and_tell_of_a_drop_unsigned, 100, "was deleted: only its leaf is left"),
    Harm(delete_event_and_tell_of_a_drop_unsigned, 295, "not believed, it is under no checkpoint that holds"),
    Harm(delete_event_and_tell_of_an_older_drop, 100, "was deleted: only its leaf is left"),
    Harm(delete_event_and_tell_of_an_older_drop, 295, "not believed, event #100 is younger than"),
    Harm(delete_event_and_tell_of_a_drop_of_the_future, 295, "makes no sense"),
    Harm(delete_event_and_tell_of_a_drop_of_the_future, 100, "was deleted: only its leaf is left"),
    Harm(delete_event_and_tell_of_a_drop_of_no_time, 295, "makes no sense"),
    Harm(delete_events_that_a_drop_before_them_named, 297, "was deleted: only its leaf is left"),
    Harm(delete_events_that_a_drop_before_them_named, 295, "not believed, it names events that come after it"),
    Harm(take_event_out_of_the_queue, 295, "has no place in the log: test by runner"),
    Harm(delete_leaf, 100, "Event #100 is missing"),
    Harm(delete_event_and_leaf, 100, "Event #100 is missing"),
    Harm(delete_and_close_the_gap, 10, "Events #10 to #289 are not those that were signed"),
    Harm(insert_event_without_leaf, 295, "has no place in the log"),
    Harm(insert_in_the_middle, 10, "Events #10 to #289 are not those that were signed"),
    Harm(append_what_is_no_event, 295, "Event #295 is not one that opsaas wrote"),
    Harm(append_what_is_no_event, 298, "Event #298 is not one that opsaas wrote"),
    Harm(swap_places, 0, "Events #0 to #255 are not those that the stored tree was made from"),
    Harm(swap_bodies, 100, "Event #100 was changed"),
    Harm(swap_events_of_leaves, 100, "Event #100 was changed"),
    Harm(edit_stored_tree, 0, "Events #0 to #255 are not those that the stored tree was made from"),
    Harm(cut_off_the_end, 280, "The log has 280 events only, but the checkpoint of the first 290 events was signed"),
    Harm(cut_off_the_end_and_write_on, 10, "Events #10 to #289 are not those that were signed"),
    Harm(cut_off_with_checkpoints, 280, "The log has 280 events only, but the checkpoint of the first 290 events that"),
    Harm(roll_back_and_sign_again, 290, "no longer lists the checkpoint of the first 290 events that was kept"),
    Harm(fork, 290, "no longer lists the checkpoint of the first 290 events that was kept elsewhere"),
    Harm(backdate_an_event, 295, "Event #295 claims 2020-01-01T00:00:00.000000Z, which does not fit"),
    Harm(write_an_event_of_the_past, 295, "which does not fit the checkpoints around it"),
    Harm(edit_a_checkpoint, 290, "The checkpoint listed for the first 290 events is another"),
    Harm(break_a_checkpoint, 290, "The checkpoint of the first 290 events can't be read"),
    Harm(delete_a_checkpoint, 290, "The log no longer lists the checkpoint of the first 290 events"),
    Harm(sign_by_another_key, 290, "is not signed by a key that is trusted here"),
    Harm(replace_a_checkpoint_by_an_older_one, 290, "The checkpoint listed for the first 290 events is another"),
    Harm(edit_what_is_listed_of_a_checkpoint, 290, "The checkpoint listed for the first 290 events is another"),
    Harm(backdate_a_checkpoint, 10, "is dated before the checkpoint of the first 10 events"),
]


@pytest.fixture
def kept(world: World) -> str:
    """A log of 295 events, with checkpoints of the first 10 and 290 and one of the latter kept elsewhere."""
    drain()
    make_checkpoint(keys=[KEY], now=timezone.now())  # tells of the key
    add_events(world, count=10 - AuditLeaf.objects.count())
    assert checkpointed().size == 10
    add_events(world, count=280)
    note = checkpointed().note
    add_events(world, count=5)
    drain()
    assert verified(kept=[note]).whole
    return note


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.done.__name__)
def test_the_verifier_names_what_was_done(world: World, kept: str, harm: Harm) -> None:
    as_superuser()
    harm.done(world)
    report = verified(kept=[kept])
    assert [(one.seq, one.what) for one in report.findings if one.seq == harm.seq and harm.says in one.what], report


def test_an_event_that_was_deleted_before_it_had_its_place_is_told_of_in_the_log(world: World, kept: str) -> None:
    as_superuser()
    delete_event_before_it_has_a_leaf(world)
    drain()
    drain()
    assert AuditEvent.objects.filter(action="audit.event_missing", outcome="failed").count() == 1
    assert not AuditPending.objects.exists()


@pytest.mark.parametrize("harm", [cut_off_the_end, edit_body_leaf_and_stored_tree], ids=lambda one: one.__name__)
def test_a_log_that_contradicts_what_was_signed_is_not_signed_again(
    world: World, kept: str, harm: Callable[[World], None]
) -> None:
    as_superuser()
    harm(world)
    for _ in range(2):
        assert make_checkpoint(keys=[KEY], now=timezone.now()) is None
    assert AuditEvent.objects.filter(action="audit.checkpoint_refused").count() == 1


def test_an_export_that_was_cut_off_or_reordered_says_so(world: World, kept: str, tmp_path: Path) -> None:
    lines = exported(tmp_path).read_bytes().splitlines(keepends=True)
    assert run(tmp_path, lines, kept) == 0
    assert run(tmp_path, lines[:-1], kept) == 1
    assert run(tmp_path, lines[:-3] + lines[-1:], kept) == 1
    assert run(tmp_path, [*lines[:-3], lines[-2], lines[-3], lines[-1]], kept) == 1
    assert run(tmp_path, [*lines, lines[-2]], kept) == 1
    assert run(tmp_path, [*lines, b"nonsense"], kept) == 2
    assert run(tmp_path, [], kept) == 1


def test_a_drop_that_was_forged_and_then_signed_is_shown_with_who_and_when(world: World, kept: str) -> None:
    as_superuser()
    delete_event(world)
    tell_of_a_drop()
    checkpointed()
    report = verified(kept=[kept])
    assert (report.whole, report.dropped) == (True, 1), "the log itself can't know better"
    (line,) = [line for line in verifier.told(report) if line.startswith("dropped:")]
    assert line.startswith("dropped: #100, as older than 20")
    assert "event #295 by 'opsaas' at 20" in line


def test_what_follows_the_end_of_an_export_is_refused_and_judged(world: World, kept: str, tmp_path: Path) -> None:
    lines = exported(tmp_path).read_bytes().splitlines(keepends=True)
    records = [json.loads(line) for line in lines]
    gone = {"seq": 295, "id": "x", "leaf": records[-2]["leaf"], "body": None}
    found = verified([*records, gone], kept=[kept]).findings
    assert {(one.seq, one.what.partition(",")[0]) for one in found} == {
        (295, "The export goes on after its end"),
        (295, "There are 296 events"),
        (295, "Event #295 (x) was deleted: only its leaf is left."),
    }
    for more in ({"key": str(OTHER_KEY.public())}, {"end": {"events": 295}}, {}):
        assert not verified([*records, more], kept=[kept]).whole, more
    assert not verified([*records[:-1], {"end": {"events": 294}}], kept=[kept]).whole, "it has 295"


@pytest.mark.parametrize("text", ["", "\n", "{}", '{"size": 1}\n{"note": ""}', "{nonsense", '{"note": 7}'])
def test_a_file_of_checkpoints_that_holds_none_is_no_file_of_checkpoints(
    world: World, kept: str, tmp_path: Path, text: str
) -> None:
    assert run(tmp_path, exported(tmp_path).read_bytes().splitlines(keepends=True), text) == 2


def test_overlapping_drops_are_counted_once() -> None:
    assert verifier._merged([(5, 9), (0, 2), (3, 3), (7, 8), (20, 21), (9, 12)]) == [(0, 3), (5, 12), (20, 21)]


def run(folder: Path, lines: list[bytes], note: str) -> int:
    """The verifier as a command."""
    (folder / "some.jsonl").write_bytes(b"".join(lines))
    (folder / "note").write_text(note)
    words = [str(folder / "some.jsonl"), "--key", str(KEY.public()), "--checkpoint", str(folder / "note")]
    return verifier.main(words)
