"""Retention: old output goes, the run stays and says so."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from runbooks.audit.record import record
from runbooks.domain.ports import NotStored
from runbooks.domain.states import RUN_FINAL
from runbooks.live.storage import storage
from runbooks.models import Artifact, Delivery, OutputChunk, Run, SealedFrame, SealedOutput, SealedSpan
from runbooks.models.ids import first_id_of
from runbooks.usecases.notifications.announce_use import OUTPUT_FOLLOWS
from runbooks.usecases.runs.artifacts import forget_content

log = logging.getLogger(__name__)

AT_ONCE = 500
OUTPUT_GONE = "The end of its output was here, until the output was removed."


def remove_due(*, now: datetime) -> int:
    """Removes the output of runs that ended over OPSAAS_OUTPUT_DAYS ago; 0 keeps it for ever."""
    days = settings.OPSAAS_OUTPUT_DAYS
    if not days:
        return 0
    before, removed = now - timedelta(days=days), 0
    for run_id in _with_output(before=before):
        run = Run.objects.get(pk=run_id)
        if run.status in RUN_FINAL and run.finished_at and run.finished_at < before:
            remove_output(run=run, days=days, now=now)
            removed += 1
        if removed >= AT_ONCE:
            break
    return removed


def remove_output(*, run: Run, days: int, now: datetime) -> None:
    with transaction.atomic():
        if not Run.objects.filter(pk=run.pk, output_removed_at=None).update(output_removed_at=now):
            return
        OutputChunk.objects.filter(run=run).delete()
        SealedSpan.objects.filter(frame__sealed_id=run.pk).delete()
        SealedFrame.objects.filter(sealed_id=run.pk).delete()
        key = SealedOutput.objects.filter(run=run).values_list("key", flat=True).first()
        SealedOutput.objects.filter(run=run).delete()
        _cut_messages(run)
        details = {"bytes": run.output_bytes, "days": days}
        record(actor=None, action="run.output_removed", thing=run, reason="retention", details=details, now=now)
    _forget(key)
    forget_content(run_id=run.pk)


def _cut_messages(run: Run) -> None:
    """The end of the output is in the messages to those who might read it."""
    for message in Delivery.objects.filter(run=run, text__contains=OUTPUT_FOLLOWS).only("text"):
        kept, _, _ = message.text.partition(OUTPUT_FOLLOWS)
        Delivery.objects.filter(pk=message.pk).update(text=f"{kept}\n{OUTPUT_GONE}\n")


def _forget(key: str | None) -> None:
    """After the commit. An object that stays behind is removed later: nothing points to it."""
    place = storage()
    if key is None or place is None:
        return
    try:
        place.delete(key)
    except NotStored as error:
        log.warning("removed output is still in the storage for now: %s", error)


def _with_output(*, before: datetime) -> Iterator[UUID]:
    """Runs that still have output and were asked for before then, oldest first in either form."""
    end = first_id_of(before)
    left = Artifact.objects.filter(run__output_removed_at=None)
    for rows in (OutputChunk.objects.all(), SealedOutput.objects.all(), left):
        ids = rows.filter(run_id__lt=end).order_by("run_id").values_list("run_id", flat=True)
        run_id = ids.first()
        while run_id is not None:
            yield run_id
            run_id = ids.filter(run_id__gt=run_id).first()
