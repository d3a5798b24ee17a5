"""Signing the head of the log: a checkpoint whenever it has grown, never one that would contradict the last."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from runbooks.access.fetch import installation
from runbooks.audit.record import record
from runbooks.audit.sequence import drain, one_at_a_time
from runbooks.audit.tree import Tree, TreeBroken, keep_subtrees, size_of_log
from runbooks.domain.signed_notes import SigningKey, checkpoint_body, signed
from runbooks.models import AuditCheckpoint, AuditEvent, AuditKey

log = logging.getLogger(__name__)

LOCK = 0x0B5AA6  # any number that nothing else on this database locks
REFUSED = "audit.checkpoint_refused"
ONCE_PER = timedelta(hours=1)
SAME_MOMENT = timedelta(minutes=1)  # longer than one process waits for another to have signed


def make_checkpoint(*, keys: Sequence[SigningKey], now: datetime) -> AuditCheckpoint | None:
    """Signs what is in the log by now; None where it has not grown, where there is no key, and where what is stored
    contradicts what was signed: that is recorded, and shown."""
    if not keys:
        return None
    _introduce(keys=keys, now=now)
    drain()
    try:
        return _make(keys=keys, now=now)
    except TreeBroken as error:
        _refused(reason=str(error), now=now)
        return None


def latest_checkpoint() -> AuditCheckpoint | None:
    return AuditCheckpoint.objects.order_by("-id").first()


@transaction.atomic
def _make(*, keys: Sequence[SigningKey], now: datetime) -> AuditCheckpoint | None:
    one_at_a_time(LOCK)
    origin, size = keys[0].name, size_of_log()
    last = AuditCheckpoint.objects.filter(origin=origin).order_by("-size").first()
    if size == (last.size if last else 0):
        return None
    if last and size < last.size:
        raise TreeBroken(f"The log has {size} events, but {last.size} were signed: its end is missing.")
    keep_subtrees(size)
    tree = Tree()
    if last and tree.root_of(last.size) != bytes(last.root):
        raise TreeBroken(f"The first {last.size} events are not those that were signed.")
    root = tree.root_of(size)
    body = checkpoint_body(origin=origin, size=size, root=root)
    if last and now < last.made_at < now + SAME_MOMENT:
        now = last.made_at  # another looked at its clock after this one did, and signed before it
    note = signed(body, keys=keys, at=now)
    return AuditCheckpoint.objects.create(origin=origin, size=size, root=root, note=note, made_at=now)


def _introduce(*, keys: Sequence[SigningKey], now: datetime) -> None:
    """A new key is told of in the log itself, which the key before it signs too while both are there."""
    known = set(AuditKey.objects.values_list("public", flat=True))
    for public in (str(key.public()) for key in keys):
        if public in known:
            continue
        with transaction.atomic():
            one_at_a_time(LOCK)
            if AuditKey.objects.filter(public=public).exists():
                continue
            AuditKey.objects.create(public=public, first_used_at=now)
            record(
                actor=None,
                action="audit.key_introduced",
                thing=installation(),
                now=now,
                details={"public_key": public, "known_before": sorted(known)},
            )


def _refused(*, reason: str, now: datetime) -> None:
    log.error("no checkpoint of the audit log was made: %s", reason)
    lately = AuditEvent.objects.filter(action=REFUSED, time__gt=now - ONCE_PER)
    if not lately.exists():
        with transaction.atomic():
            record(actor=None, action=REFUSED, thing=installation(), now=now, outcome="failed", reason=reason)
