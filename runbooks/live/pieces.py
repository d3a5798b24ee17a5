"""A run's output, piece by piece in order, wherever it lies: in rows while it is fresh, in frames once it is sealed.

The only place that reads output. Every look is short and holds nothing: a run may be sealed between two of them.
"""

import hashlib
import logging
from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from runbooks.domain.ports import NothingThere, NotStored
from runbooks.live.frames import Piece, unpack
from runbooks.live.storage import storage
from runbooks.models import OutputChunk, Run, SealedFrame, SealedSpan
from runbooks.models.connections import release_connection

log = logging.getLogger(__name__)

PAGE = 32  # rows of up to 64 KiB: at most 2 MiB in memory at a time
Steps = Collection[UUID] | None  # None: of all step runs


class OutputRemoved(Exception):
    """Retention has removed this run's output; for people."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"The output of this run was removed on {at:%-d %B %Y} by retention; the run itself is kept.")


class OutputDamaged(Exception):
    """A frame is missing or not what was written; for people. What comes after it may still be read."""

    def __init__(self, *, frame: SealedFrame, why: str) -> None:
        end = frame.offset + frame.length - 1
        super().__init__(f"Output incomplete: bytes {frame.offset} to {end} of this run's log are damaged. {why}")
        self.last_seq, self.offset, self.length = frame.last_seq, frame.offset, frame.length


def page(*, run_id: UUID | str, after: int, steps: Steps = None, most: int = PAGE) -> list[Piece]:
    """The next pieces after number AFTER, at most MOST of those in rows; empty at the end."""
    rows = OutputChunk.objects.filter(run_id=run_id, seq__gt=after).order_by("seq")
    if steps is not None:
        rows = rows.filter(step_run_id__in=steps)
    return [_piece(row) for row in rows[:most]] or _sealed_page(run_id=run_id, after=after, steps=steps)


def pieces(*, run: Run, after: int = 0, steps: Steps = None, most: int = PAGE) -> Iterator[Piece]:
    """No connection is held between the pages: a slow reader costs nobody anything."""
    if run.output_removed_at:
        raise OutputRemoved(run.output_removed_at)
    while found := page(run_id=run.pk, after=after, steps=steps, most=most):
        release_connection()
        yield from found
        after = found[-1].seq


def before_offset(*, run: Run, offset: int) -> int:
    """A number after which `pieces` comes to the byte at OFFSET of the run's log."""
    rows = OutputChunk.objects.filter(run=run, offset__lte=offset).order_by("-offset", "-seq")
    frames = SealedFrame.objects.filter(sealed_id=run.pk, offset__lte=offset).order_by("-offset")
    return _before(rows.values_list("seq", flat=True), frames.values_list("first_seq", flat=True))


def before_step_offset(*, step_run: UUID, offset: int) -> int:
    """The same for the log of one step run."""
    rows = OutputChunk.objects.filter(step_run_id=step_run, step_offset__lte=offset).order_by("-step_offset", "-seq")
    spans = SealedSpan.objects.filter(step_run_id=step_run, step_offset__lte=offset).order_by("-step_offset")
    return _before(rows.values_list("seq", flat=True), spans.values_list("first_seq", flat=True))


def before_line(*, step_run: UUID, line: int) -> int:
    """A number after which `pieces` comes to where a LINE of the step run begins."""
    rows = OutputChunk.objects.filter(step_run_id=step_run, first_line__lt=line).order_by("-first_line", "-seq")
    spans = SealedSpan.objects.filter(step_run_id=step_run, first_line__lt=line).order_by("-first_line", "-first_seq")
    return _before(rows.values_list("seq", flat=True), spans.values_list("first_seq", flat=True))


def _before(rows: QuerySet[OutputChunk, int], sealed: QuerySet[SealedFrame, int] | QuerySet[SealedSpan, int]) -> int:
    first = rows.first()
    if first is None:
        first = sealed.first()
    return 0 if first is None else first - 1


def _sealed_page(*, run_id: UUID | str, after: int, steps: Steps) -> list[Piece]:
    frames = SealedFrame.objects.filter(sealed_id=UUID(str(run_id))).select_related("sealed").order_by("last_seq")
    if steps is not None:
        frames = frames.filter(spans__step_run_id__in=steps)
    while frame := frames.filter(last_seq__gt=after).first():
        release_connection()
        found = [p for p in read_frame(frame) if p.seq > after and (steps is None or p.step_run_id in steps)]
        if found:
            return found
        after = frame.last_seq
    return []


def read_frame(frame: SealedFrame) -> list[Piece]:
    """Raises OutputDamaged rather than give bytes that are not those that were written; then the run says so."""
    place = storage()
    if place is None:
        raise NotStored("This run's output is sealed, but OPSAAS_OUTPUT_DIR is not set here.")
    try:
        stored = place.open_range(frame.sealed.key, frame.position, frame.size)
        if hashlib.sha256(stored).digest() != bytes(frame.sha256):
            raise ValueError(f"{frame.sealed.key} is not what was written")
        return unpack(stored)
    except (NothingThere, ValueError) as error:
        if Run.objects.filter(pk=frame.sealed_id, output_complete=True).update(output_complete=False):
            log.error("output of run %s is damaged: %s", frame.sealed_id, error)
        raise OutputDamaged(frame=frame, why=f"{error}.") from error


def _piece(row: OutputChunk) -> Piece:
    return Piece(row.seq, row.step_run_id, row.offset, row.step_offset, row.first_line, row.time, bytes(row.data))
