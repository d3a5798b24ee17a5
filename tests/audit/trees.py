"""A log with checkpoints, short ways to its export and to the verifier, and the RFC's own recursive definitions."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from runbooks.audit.checkpoint import make_checkpoint
from runbooks.audit.export import as_lines, export
from runbooks.audit.record import record
from runbooks.audit.verifier import Report, read_checkpoint, read_key, verify
from runbooks.domain.signed_notes import SigningKey, new_signing_key, read_signing_key
from runbooks.models import AuditCheckpoint
from tests.world import World

KEY = read_signing_key(new_signing_key("log.example.org/audit"))
OTHER_KEY = read_signing_key(new_signing_key("log.example.org/audit"))


def add_events(world: World, *, count: int = 1, now: datetime | None = None) -> None:
    actor = world.actor("runner")
    for _ in range(count):
        record(actor=actor, action="test", thing=world.project, now=now or timezone.now())


def checkpointed(*, keys: Sequence[SigningKey] = (KEY,), now: datetime | None = None) -> AuditCheckpoint:
    made = make_checkpoint(keys=keys, now=now or timezone.now())
    assert made
    return made


def exported(folder: Path) -> Path:
    path = folder / "audit.jsonl"
    with path.open("wb") as file:
        file.writelines(as_lines(export(now=timezone.now())))
    return path


def verified(
    records: Iterable[dict[str, Any]] | None = None, *, key: SigningKey | None = KEY, kept: Iterable[str] = ()
) -> Report:
    """Of the database as it is, by way of text."""
    lines = b"".join(as_lines(iter(records or export(now=timezone.now())))).decode("utf-8", "surrogateescape")
    given = [json.loads(line) for line in lines.splitlines()]
    keys = [read_key(str(key.public()))] if key else []
    return verify(
        given, keys=keys, kept=[read_checkpoint(note, kept=True) for note in kept], tolerance=timedelta(hours=1)
    )


# --- RFC 6962, section 2.1, word for word -----------------------------------------------------------------------------


def mth(entries: Sequence[bytes]) -> bytes:
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = largest_power_below(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = largest_power_below(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: Sequence[bytes], whole: bool) -> list[bytes]:
    n = len(entries)
    if m == n:
        return [] if whole else [mth(entries)]
    k = largest_power_below(n)
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k
