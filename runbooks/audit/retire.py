"""Retention: the text of old events is dropped, their leaves stay, so that the tree is verified as before."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from runbooks.access.fetch import installation
from runbooks.audit.checkpoint import latest_checkpoint
from runbooks.audit.record import record
from runbooks.audit.sequence import one_at_a_time
from runbooks.models import AuditEvent, AuditHold, AuditLeaf, AuditRetirement
from runbooks.models.ids import first_id_of

LOCK = 0x0B5AA7  # any number that nothing else on this database locks
BATCH = 500
DROPPED = "audit.bodies_dropped"
NEVER_DROPPED = (  # what tells of the log itself, and without which it could not be read later
    DROPPED,
    "audit.checkpoint_refused",
    "audit.event_missing",
    "audit.hold_lifted",
    "audit.hold_placed",
    "audit.key_introduced",
)


def retire_due(*, days: int, now: datetime) -> int:
    """Drops what is over DAYS old, signed, and under no hold; answers how many. 0 days: everything is kept."""
    if not days:
        return 0
    total = 0
    while done := _batch(before=now - timedelta(days=days), now=now):
        total += done
    return total


@transaction.atomic
def _batch(*, before: datetime, now: datetime) -> int:
    one_at_a_time(LOCK)
    latest = latest_checkpoint()
    held = set(AuditHold.objects.filter(lifted_at=None).values_list("project_id", flat=True))
    if latest is None or "" in held:
        return 0
    old = AuditEvent.objects.filter(pk__lt=first_id_of(before), time__lt=before)
    ids = old.exclude(action__in=NEVER_DROPPED).exclude(project_id__in=held).order_by("pk")
    leaves = AuditLeaf.objects.filter(event_id__in=list(ids.values_list("pk", flat=True)[:BATCH]), seq__lt=latest.size)
    found = sorted(leaves.values_list("seq", "event_id"))
    if found:
        ranges = _ranges(seq for seq, _ in found)
        details = {"before": before.strftime("%Y-%m-%dT%H:%M:%SZ"), "count": len(found), "ranges": ranges}
        record(actor=None, action=DROPPED, thing=installation(), now=now, details=details)
        AuditRetirement.objects.bulk_create(
            AuditRetirement(first_seq=first, last_seq=last, retired_at=now) for first, last in ranges
        )
        AuditEvent.objects.filter(pk__in=[event for _, event in found]).delete()
    return len(found)


def _ranges(seqs: Iterable[int]) -> list[list[int]]:
    """First and last of each run of neighbours."""
    found: list[list[int]] = []
    for seq in seqs:
        if found and found[-1][1] == seq - 1:
            found[-1][1] = seq
        else:
            found.append([seq, seq])
    return found
