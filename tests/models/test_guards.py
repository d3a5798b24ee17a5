"""What the database refuses by itself, whoever asks: each of these goes past all our code."""

import uuid
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model

from runbooks.domain.states import RUN_MOVES, STEP_MOVES, VERSION_MOVES
from runbooks.models import (
    AuditCheckpoint,
    AuditCosignature,
    AuditEvent,
    AuditKey,
    AuditLeaf,
    AuditSubtree,
    Grant,
    Membership,
    Review,
    Run,
    StepRun,
    Version,
)
from tests.world import World


def refused(statement: str, *values: Any) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, list(values))
    except DatabaseError:
        return True
    return False


def key(row: Model) -> object:
    return row._meta.pk.get_db_prep_value(row.pk, connection)


def pairs(moves: Mapping[Any, Iterable[str]]) -> list[tuple[str, str, bool]]:
    return [(old, new, new in moves[old]) for old, new in product(moves, moves) if old != new]


def test_statuses_move_only_as_the_tables_say(world: World) -> None:
    run = world.started()
    step_run, version = run.step_runs.get(), run.version
    tables: list[tuple[Model, str, str, Mapping[Any, Iterable[str]]]] = [
        (run, "runbooks_run", "status", RUN_MOVES),
        (step_run, "runbooks_steprun", "status", STEP_MOVES),
        (version, "runbooks_version", "state", VERSION_MOVES),
    ]
    for row, table, column, moves in tables:
        wrong = [
            (old, new)
            for old, new, allowed in pairs(moves)
            if _move_is_refused(row=row, table=table, column=column, old=old, new=new) == allowed
        ]
        assert wrong == [], table


def _move_is_refused(*, row: Model, table: str, column: str, old: str, new: str) -> bool:
    """Puts a copy of the row into OLD, by inserting it so, and tries the move; leaves nothing behind."""
    with transaction.atomic():
        copy = type(row).objects.get(pk=row.pk)  # type: ignore[attr-defined]
        copy.pk = uuid.uuid4()
        setattr(copy, column, old)
        if isinstance(copy, StepRun):
            copy.attempt, copy.lease_until = 99, copy.run.created_at
        if isinstance(copy, Version):
            copy.number, copy.hash = 99, "sha256:other"
            copy.runbook = type(copy.runbook).objects.create(project=copy.runbook.project, slug=uuid.uuid4().hex)
        copy.save(force_insert=True)
        answer = refused(f"UPDATE {table} SET {column} = %s WHERE id = %s", new, key(copy))
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize(
    ("model", "column"),
    [
        (AuditEvent, "outcome"),
        (AuditLeaf, "seq"),
        (AuditSubtree, "hash"),
        (AuditKey, "public"),
        (AuditCheckpoint, "note"),
        (AuditCosignature, "line"),
        (Review, "comment"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_log_and_reviews_are_insert_only(world: World, model: type[Model], column: str) -> None:
    from_log = AuditEvent.objects.create(body=b"{}", time=world.project.created_at, action="test", outcome="done")
    AuditLeaf.objects.create(seq=0, event_id=from_log.pk, leaf=b"\0" * 32)
    now = world.project.created_at
    AuditSubtree.objects.create(level=1, index=0, hash=b"\0" * 32)
    AuditKey.objects.create(public="key", first_used_at=now)
    made = AuditCheckpoint.objects.create(origin="log", size=1, root=b"\0" * 32, note="note", made_at=now)
    AuditCosignature.objects.create(checkpoint=made.pk, witness="w", line="line", signed_at=now, received_at=now)
    world.published()
    table = model._meta.db_table
    assert refused(f"UPDATE {table} SET {column} = {column}")
    assert refused(f"DELETE FROM {table}")
    if connection.vendor == "postgresql":
        assert refused(f"TRUNCATE {table} CASCADE")


def test_insert_or_replace_is_no_way_around(world: World) -> None:
    if connection.vendor != "sqlite":
        return
    event = AuditEvent.objects.first()
    assert event is not None
    assert refused(
        "INSERT OR REPLACE INTO runbooks_auditevent SELECT * FROM runbooks_auditevent WHERE id = %s", key(event)
    )


@pytest.mark.parametrize("model", [Grant, Membership, Version, Run], ids=lambda model: model.__name__)
def test_what_tells_of_the_past_is_never_deleted(world: World, model: type[Model]) -> None:
    world.started()
    world.group_of("author")

    assert refused(f"DELETE FROM {model._meta.db_table}")


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("runbooks_version", "manifest"),
        ("runbooks_version", "hash"),
        ("runbooks_version", "author_id"),
        ("runbooks_run", "plan"),
        ("runbooks_run", "parameters"),
        ("runbooks_run", "requested_by_id"),
        ("runbooks_grant", "rights"),
        ("runbooks_grant", "user_id"),
    ],
)
def test_content_is_frozen(world: World, table: str, column: str) -> None:
    world.started()
    assert refused(f"UPDATE {table} SET {column} = {column}")


def test_a_run_can_not_be_running_without_a_lease(world: World) -> None:
    step_run = world.started().step_runs.get()
    assert refused("UPDATE runbooks_steprun SET status = 'running' WHERE id = %s", key(step_run))
