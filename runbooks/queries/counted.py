"""Which runs count for a limit or a rate: those that have started, and those that still may."""

from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.domain.states import RunStatus
from runbooks.models import Run
from runbooks.models.ids import first_id_of

COUNTED = Q(started_at__isnull=False) | Q(status__in=[RunStatus.AWAITING_APPROVAL, RunStatus.QUEUED])


def last_times(runs: QuerySet[Run], *, since: datetime, most: int, before: Run | None) -> list[datetime]:
    """When the last of them were asked for, the last first. BEFORE: only those before that run."""
    counted = runs.filter(COUNTED, pk__gte=first_id_of(since), created_at__gt=since)
    if before:
        counted = counted.filter(pk__lt=before.pk)
    return list(counted.order_by("-created_at").values_list("created_at", flat=True)[:most])
