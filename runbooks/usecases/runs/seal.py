"""Finished output goes from the database's rows into a compressed object; the rows go once that was read back."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction

from runbooks.domain.ports import NotStored, Storage
from runbooks.domain.states import RUN_FINAL, StepStatus
from runbooks.live.frames import Piece, pack, unpack
from runbooks.live.pieces import pieces
from runbooks.live.storage import storage
from runbooks.models import OutputChunk, Run, SealedFrame, SealedOutput, SealedSpan
from runbooks.models.ids import new_id
from runbooks.models.runs import LARGE_OUTPUT
from runbooks.usecases.runs.artifacts import PREFIX, is_wanted

log = logging.getLogger(__name__)

FRAME_BYTES, FRAME_PIECES = 1 << 20, 4096
AT_ONCE = 50
ORPHAN_SECONDS = 24 * 3600.0

_left_alone: set[UUID] = set()  # runs that it was of no use to try, until this process ends


class Unsealable(Exception):
    """The rows of a run are not what the run says of them."""


def seal_due(*, now: datetime) -> int:
    """Seals what ended a while ago and is large enough to be worth it, oldest first."""
    place, sealed = storage(), 0
    if place is None:
        return 0
    patience = timedelta(seconds=settings.OPSAAS_SEAL_SECONDS)
    for run_id in _large():
        if run_id in _left_alone:
            continue
        run = Run.objects.get(pk=run_id)
        if run.status not in RUN_FINAL or run.finished_at is None or run.finished_at > now - patience:
            continue
        try:
            sealed += seal(run=run, place=place, now=now)
        except Unsealable as error:
            log.error("the output of run %s stays in the database: %s", run_id, error)
            _left_alone.add(run_id)
        except NotStored as error:
            log.warning("output is not sealed and stays in the database for now: %s", error)
            return sealed
        if sealed >= AT_ONCE:
            break
    return sealed


def seal(*, run: Run, place: Storage, now: datetime) -> bool:
    """False where somebody else did it, or still writes. Raises NotStored and Unsealable, having changed nothing."""
    key = f"{run.finished_at or now:%Y/%m/%d}/{run.pk}.{new_id().hex[-8:]}.zst"  # nobody else's, whoever tries too
    index = _Index(run)
    try:
        place.put(key, index.packed())
        _verify(place=place, key=key, index=index)
    except BaseException:
        place.delete(key)
        raise
    swapped = False
    try:
        swapped = _swap(run=run, key=key, index=index, now=now)
    except DatabaseError:
        swapped = True  # perhaps: the answer to the commit may be lost. What is not pointed to is removed later
        raise
    finally:
        if not swapped:
            place.delete(key)
    return swapped


def remove_orphans(*, now: datetime) -> int:
    """Objects that nothing points to: somebody died between writing and indexing them, or while removing them."""
    place, removed = storage(), 0
    if place is None:
        return 0
    for key, put_at in place.stored():
        if now.timestamp() - put_at > ORPHAN_SECONDS and not _is_wanted(key):
            place.delete(key)
            removed += 1
    return removed


def _is_wanted(key: str) -> bool:
    return is_wanted(key) if key.startswith(f"{PREFIX}/") else SealedOutput.objects.filter(key=key).exists()


def _large() -> Iterator[UUID]:
    """By a seek in a partial index each: what is small is not even looked at."""
    rows = OutputChunk.objects.filter(LARGE_OUTPUT).order_by("run_id").values_list("run_id", flat=True)
    run_id = rows.first()
    while run_id is not None:
        yield run_id
        run_id = rows.filter(run_id__gt=run_id).first()


@dataclass
class _Index:
    """What is learned about a run's output while it is packed."""

    run: Run
    frames: list[SealedFrame] = field(default_factory=list)
    spans: list[list[SealedSpan]] = field(default_factory=list)
    size: int = 0
    length: int = 0
    rows: int = 0
    digest: str = ""

    def packed(self) -> Iterator[bytes]:
        whole, batch, size = hashlib.sha256(), list[Piece](), 0
        for piece in pieces(run=self.run):
            if batch and (size + len(piece.data) > FRAME_BYTES or len(batch) >= FRAME_PIECES):
                yield self._frame(batch)
                batch, size = [], 0
            batch.append(piece)
            size += len(piece.data)
            whole.update(piece.data)
        if batch:
            yield self._frame(batch)
        self.digest = whole.hexdigest()

    def _frame(self, batch: list[Piece]) -> bytes:
        stored = pack(batch)
        self.frames.append(
            SealedFrame(
                sealed_id=self.run.pk,
                position=self.size,
                size=len(stored),
                offset=batch[0].offset,
                length=sum(len(piece.data) for piece in batch),
                first_seq=batch[0].seq,
                last_seq=batch[-1].seq,
                time=batch[0].time,
                sha256=hashlib.sha256(stored).digest(),
            )
        )
        first = {piece.step_run_id: piece for piece in reversed(batch)}
        self.spans.append(
            [
                SealedSpan(step_run_id=key, first_seq=p.seq, step_offset=p.step_offset, first_line=p.first_line)
                for key, p in first.items()
            ]
        )
        self.size, self.length, self.rows = (
            self.size + len(stored),
            self.length + self.frames[-1].length,
            self.rows + len(batch),
        )
        return stored


def _verify(*, place: Storage, key: str, index: _Index) -> None:
    """Reads all of it back. Raises NotStored unless it gives the very bytes of the rows."""
    whole = hashlib.sha256()
    for frame in index.frames:
        stored = place.open_range(key, frame.position, frame.size)
        if hashlib.sha256(stored).digest() != frame.sha256:
            raise NotStored(f"{key} reads back otherwise than it was written")
        for piece in unpack(stored):
            whole.update(piece.data)
    if whole.hexdigest() != index.digest:
        raise NotStored(f"{key} unpacks otherwise than it was packed")


@transaction.atomic
def _swap(*, run: Run, key: str, index: _Index, now: datetime) -> bool:
    """The index in, the rows out; unless the rows are not all those that were packed."""
    run = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    rows = OutputChunk.objects.filter(run=run)
    writing = run.step_runs.filter(status=StepStatus.RUNNING).exists()
    if writing or run.status not in RUN_FINAL or SealedOutput.objects.filter(run=run).exists():
        return False
    if index.length != run.output_bytes or index.rows != rows.count():
        raise Unsealable(f"{index.length} of {run.output_bytes} bytes are in its rows")
    SealedOutput.objects.create(run=run, key=key, size=index.size, sealed_at=now)
    SealedFrame.objects.bulk_create(index.frames)
    for frame, spans in zip(index.frames, index.spans, strict=True):
        for span in spans:
            span.frame = frame
    SealedSpan.objects.bulk_create([span for spans in index.spans for span in spans], batch_size=500)
    rows.delete()
    return True
