"""Giving events their gapless place in the log, after their commit."""

import hashlib

from django.db import connection, transaction
from django.db.models import Max

from runbooks.models import AuditEvent, AuditLeaf, AuditPending

BATCH = 1000
LOCK = 0x0B5AA5  # any number that nothing else on this database locks


def drain() -> int:
    """Sequences every committed event; answers how many. Called by the scheduler, and before each read of the log."""
    total = 0
    while AuditPending.objects.exists():
        done = _sequence_batch()
        total += done
        if done < BATCH:
            break
    return total


def leaf_hash(body: bytes) -> bytes:
    """RFC 6962, 2.1: the hash of a leaf."""
    return hashlib.sha256(b"\x00" + body).digest()


@transaction.atomic
def _sequence_batch() -> int:
    _one_at_a_time()
    ids = list(AuditPending.objects.order_by("event_id").values_list("event_id", flat=True)[:BATCH])
    bodies = dict(AuditEvent.objects.filter(pk__in=ids).values_list("pk", "body"))
    last = AuditLeaf.objects.aggregate(last=Max("seq"))["last"]
    first = 0 if last is None else last + 1
    AuditLeaf.objects.bulk_create(
        AuditLeaf(seq=seq, event_id=pk, leaf=leaf_hash(bytes(bodies[pk]))) for seq, pk in enumerate(ids, start=first)
    )
    AuditPending.objects.filter(pk__in=ids).delete()
    return len(ids)


def _one_at_a_time() -> None:
    """On SQLite every transaction takes the write lock as it begins."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
