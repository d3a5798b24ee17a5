"""Secrets of projects: who may keep them, and that nobody gets a value back."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from runbooks.access.fetch import NotAllowed
from runbooks.domain.ports import NoSecret
from runbooks.domain.problems import Invalid
from runbooks.domain.secrecy.sealing import new_key, read_keyring
from runbooks.models import AuditEvent, Secret, SecretValue
from runbooks.queries.secrets import secrets
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.secrets.change import archive, rotate
from runbooks.usecases.secrets.read import StoredSecrets
from runbooks.usecases.secrets.rewrap import left, rewrap_all
from tests.world import PROJECT, World

VALUE = "correct-horse-battery"
PATH = f"{PROJECT}/deploy"


def everything_stored() -> bytes:
    """All rows of all tables, as one text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                found += [bytes(cell) if isinstance(cell, memoryview | bytes) else str(cell).encode() for cell in row]
    return b"\n".join(found)


def test_a_value_is_nowhere_in_the_database(world: World) -> None:
    secret = world.secret(value=VALUE)
    rotate(actor=world.actor("owner"), secret=secret, value=VALUE[::-1], now=timezone.now())
    stored = everything_stored()
    assert b"payments" in stored
    assert VALUE.encode() not in stored
    assert VALUE[::-1].encode() not in stored


def test_a_worker_reads_the_newest_value_and_older_ones_are_destroyed(world: World) -> None:
    secret = world.secret(value=VALUE)
    rotate(actor=world.actor("owner"), secret=secret, value="another-value", now=timezone.now())
    assert StoredSecrets().read(PATH) == "another-value"
    first = SecretValue.objects.get(secret=secret, number=1)
    assert (first.key_id, bytes(first.wrapped_key), bytes(first.content)) == ("", b"", b"")
    secret.refresh_from_db()
    assert secret.last_used_at is not None


def test_an_archived_secret_is_destroyed_and_its_name_stays_taken(world: World) -> None:
    secret = world.secret(value=VALUE)
    archive(actor=world.actor("owner"), secret=secret, now=timezone.now())
    with pytest.raises(NoSecret):
        StoredSecrets().read(PATH)
    assert not SecretValue.objects.exclude(key_id="").exists()
    with pytest.raises(Conflict):
        world.secret()
    with pytest.raises(Conflict):
        rotate(actor=world.actor("owner"), secret=secret, value="another-value", now=timezone.now())


def test_only_the_right_to_use_lets_one_set_a_value(world: World) -> None:
    secret = world.secret()
    for name in ("admin", "author", "runner", "auditor"):
        with pytest.raises(NotAllowed):
            rotate(actor=world.actor(name), secret=secret, value="another-value", now=timezone.now())
    world.give("author", secret, "use")
    rotate(actor=world.actor("author"), secret=secret, value="another-value", now=timezone.now())


def test_every_change_is_in_the_log_without_the_value(world: World) -> None:
    secret = world.secret(value=VALUE)
    rotate(actor=world.actor("owner"), secret=secret, value="another-value", now=timezone.now())
    archive(actor=world.actor("owner"), secret=secret, now=timezone.now())
    events = AuditEvent.objects.filter(object_id=str(secret.pk))
    assert set(events.values_list("action", flat=True)) == {"secret.created", "secret.rotated", "secret.archived"}
    told = b"".join(bytes(event.body) for event in AuditEvent.objects.all())
    assert VALUE.encode() not in told
    assert b"another-value" not in told


@pytest.mark.parametrize("value", ["", "abc", "  xyzzy"[:5], "with\0nul", "half\ud800", "x" * 70_000])
def test_what_cannot_be_kept_secret_is_refused_without_being_repeated(world: World, value: str) -> None:
    with pytest.raises(Invalid) as refusal:
        world.secret(value=value)
    assert not value or value.strip() not in str(refusal.value)
    assert not Secret.objects.exists()


def test_master_keys_are_exchanged_while_everything_goes_on(world: World, settings: Settings) -> None:
    old, new = new_key(), new_key()
    settings.OPSAAS_SECRETS_KEYS = read_keyring([old])
    for number in range(5):
        world.secret(f"deploy-{number}", value=f"{VALUE}-{number}")
    settings.OPSAAS_SECRETS_KEYS = read_keyring([new, old])
    assert (left(), rewrap_all(batch=2), left(), rewrap_all()) == (5, 5, 0, 0)
    settings.OPSAAS_SECRETS_KEYS = read_keyring([new])
    assert [StoredSecrets().read(f"{PROJECT}/deploy-{number}") for number in range(5)] == [
        f"{VALUE}-{number}" for number in range(5)
    ]
    settings.OPSAAS_SECRETS_KEYS = read_keyring([old])
    with pytest.raises(NoSecret, match="OPSAAS_SECRETS_KEYS"):
        StoredSecrets().read(f"{PROJECT}/deploy-0")


def test_the_database_itself_refuses_another_content_or_a_moved_one(world: World) -> None:
    one, other = world.secret("one", value="value-one"), world.secret("other", value="value-other")
    rows = {secret.slug: SecretValue.objects.get(secret=secret) for secret in (one, other)}
    swap = {"content": bytes(rows["other"].content)}
    for change in (swap, {"secret": other}, {"number": 7}):
        with pytest.raises(DatabaseError), transaction.atomic():
            SecretValue.objects.filter(pk=rows["one"].pk).update(**change)
    for row in (rows["one"], one):
        with pytest.raises(DatabaseError), transaction.atomic():
            type(row)._base_manager.filter(pk=row.pk)._raw_delete(connection.alias)
    # Even past the triggers: the data key of another row does not open this content, nor this place that envelope.
    moved = {"wrapped_key": bytes(rows["other"].wrapped_key)}
    SecretValue.objects.filter(pk=rows["one"].pk).update(**moved)
    with pytest.raises(NoSecret):
        StoredSecrets().read(f"{PROJECT}/one")


def test_each_sees_the_secrets_that_they_may_see_or_use(world: World) -> None:
    secret = world.secret()
    world.secret("other")

    def seen(name: str, **more: Any) -> set[str]:
        return {found.slug for found in secrets(actor=world.actor(name, **more), now=timezone.now())}

    assert seen("runner") == seen("admin") == {"deploy", "other"}
    assert seen("stranger") == set()
    world.give("stranger", secret, "use")
    assert seen("stranger") == seen("stranger", scopes=("use",)) == {"deploy"}
    assert seen("stranger", scopes=("run",)) == set()
    assert world.client("stranger")("GET", f"/secrets/{PATH}").status_code == 200
    assert world.client("stranger")("GET", f"/secrets/{PROJECT}/other").status_code == 404
