"""Reading a run's stream from a given number on, and its log by offset."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from runbooks.models import OutputChunk, Run, RunEvent

PAGE = 64  # chunks of up to 64 KiB: at most 4 MiB in memory at a time


@dataclass(frozen=True)
class StreamEvent:
    seq: int
    kind: str
    data: dict[str, object]


def events_after(*, run_id: UUID | str, seq: int, output: bool = True) -> list[StreamEvent]:
    """The next events and chunks after number SEQ, in order; at most a page of chunks, and none without OUTPUT."""
    after = OutputChunk.objects.filter(run_id=run_id, seq__gt=seq).select_related("step_run").order_by("seq")
    chunks = list(after[:PAGE]) if output else []
    events = RunEvent.objects.filter(run_id=run_id, seq__gt=seq)
    if len(chunks) == PAGE:
        events = events.filter(seq__lt=chunks[-1].seq)
    found = [StreamEvent(event.seq, event.kind, event.data) for event in events]
    found += [StreamEvent(chunk.seq, "output", _as_data(chunk)) for chunk in chunks]
    return sorted(found, key=lambda event: event.seq)


def log_bytes(*, run: Run, start: int, stop: int, step: str = "", node: str | None = None) -> Iterator[bytes]:
    """The bytes from START up to STOP of the run's log, or of one step's."""
    chunks = OutputChunk.objects.filter(run=run).order_by("seq")
    if step:
        chunks = chunks.filter(step_run__step=step)
    if node is not None:
        chunks = chunks.filter(step_run__node=node)
    if not step and node is None:
        return _by_run_offset(chunks=chunks, start=start, stop=stop)
    return _by_position(chunks=chunks, start=start, stop=stop)


def log_size(*, run: Run, step: str = "", node: str | None = None) -> int:
    if not step and node is None:
        return run.output_bytes
    steps = run.step_runs.all()
    if step:
        steps = steps.filter(step=step)
    if node is not None:
        steps = steps.filter(node=node)
    return sum(steps.values_list("output_bytes", flat=True))


def _by_run_offset(*, chunks: QuerySet[OutputChunk], start: int, stop: int) -> Iterator[bytes]:
    first = chunks.filter(offset__lte=start).order_by("-offset").values_list("offset", flat=True).first() or 0
    for chunk in chunks.filter(offset__gte=first, offset__lt=stop).iterator(chunk_size=PAGE):
        data = bytes(chunk.data)
        yield data[max(0, start - chunk.offset) : stop - chunk.offset]


def _by_position(*, chunks: QuerySet[OutputChunk], start: int, stop: int) -> Iterator[bytes]:
    """A step may have several attempts and nodes: their bytes follow each other in order of arrival."""
    position = 0
    for chunk in chunks.iterator(chunk_size=PAGE):
        data = bytes(chunk.data)
        if position + len(data) > start:
            yield data[max(0, start - position) : max(0, stop - position)]
        position += len(data)
        if position >= stop:
            return


def _as_data(chunk: OutputChunk) -> dict[str, object]:
    return {
        "step_run": str(chunk.step_run_id),
        "step": chunk.step_run.step,
        "node": chunk.step_run.node,
        "offset": chunk.offset,
        "step_offset": chunk.step_offset,
        "line": chunk.first_line,
        "time": chunk.time.isoformat().replace("+00:00", "Z"),
        "text": bytes(chunk.data).decode("utf-8", "replace"),
    }
