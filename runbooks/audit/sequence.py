"""Giving events their gapless place in the log, after their commit."""

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from runbooks.audit.record import Ref, record
from runbooks.domain.merkle import leaf_hash
from runbooks.models import AuditEvent, AuditLeaf, AuditPending

BATCH = 1000
GONE = "The event was taken out of the database before it had its place in the log."
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


@transaction.atomic
def _sequence_batch() -> int:
    one_at_a_time(LOCK)
    ids = list(AuditPending.objects.order_by("event_id").values_list("event_id", flat=True)[:BATCH])
    bodies = dict(AuditEvent.objects.filter(pk__in=ids).values_list("pk", "body"))
    gone = [pk for pk in ids if pk not in bodies]
    for pk in gone:
        record(
            actor=None,
            action="audit.event_missing",
            thing=Ref("audit_event", str(pk), ""),
            now=timezone.now(),
            outcome="failed",
            reason=GONE,
        )
    last = AuditLeaf.objects.aggregate(last=Max("seq"))["last"]
    first = 0 if last is None else last + 1
    AuditLeaf.objects.bulk_create(
        AuditLeaf(seq=seq, event_id=pk, leaf=leaf_hash(bytes(bodies[pk])))
        for seq, pk in enumerate((pk for pk in ids if pk in bodies), start=first)
    )
    AuditPending.objects.filter(pk__in=ids).delete()
    return len(ids)


def one_at_a_time(lock: int) -> None:
    """Until the end of the transaction. On SQLite every transaction takes the write lock as it begins."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
