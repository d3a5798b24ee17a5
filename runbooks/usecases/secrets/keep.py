"""Putting a value into its envelope, with the rows it lives in."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings

from runbooks.access.actors import Actor
from runbooks.domain.secrecy.sealing import Keyring, seal
from runbooks.domain.states import RUN_FINAL
from runbooks.models import RunSecret, Secret, SecretValue

GONE = {"key_id": "", "wrapped_key": b"", "content": b""}


def keyring() -> Keyring:
    keys: Keyring = settings.OPSAAS_SECRETS_KEYS
    return keys


def keep_value(*, actor: Actor, secret: Secret, value: str, now: datetime) -> SecretValue:
    """The secret's newest value; those before it are destroyed. Call it with the secret's row locked."""
    number = secret.values.count() + 1
    secret.values.exclude(key_id="").update(**GONE)
    row = SecretValue(secret=secret, number=number, set_by=actor.user, created_at=now)
    sealed = seal(value, context=row.context, keyring=keyring())
    row.key_id, row.wrapped_key, row.content = sealed.key_id, sealed.wrapped_key, sealed.content
    row.save(force_insert=True)
    return row


def sealed_for_run(*, run_id: UUID, values: Mapping[str, str]) -> list[RunSecret]:
    """Rows to be written with the run: until then nothing is stored."""
    rows = [RunSecret(run_id=run_id, parameter=name) for name in values]
    for row in rows:
        sealed = seal(values[row.parameter], context=row.context, keyring=keyring())
        row.key_id, row.wrapped_key, row.content = sealed.key_id, sealed.wrapped_key, sealed.content
    return rows


def seal_of(row: RunSecret) -> str:
    """What a plan says of a value: which envelope holds it. It tells nothing of the value, equal ones differ."""
    return "sealed:" + hashlib.sha256(bytes(row.content)).hexdigest()


def seals_of(rows: Iterable[RunSecret]) -> dict[str, str]:
    return {row.parameter: seal_of(row) for row in rows}


def destroy_stragglers() -> int:
    """The database itself destroys what was given for a run when the run ends; this is for what a restore brought."""
    return RunSecret.objects.filter(run__status__in=RUN_FINAL).delete()[0]
