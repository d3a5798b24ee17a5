"""Reading a run's stream from a given number on, and its log by offset."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from runbooks.models import OutputChunk, Run, RunEvent
from runbooks.models.connections import release_connection

PAGE = 32  # chunks of up to 64 KiB: at most 2 MiB in memory at a time


@dataclass(frozen=True)
class StreamEvent:
    seq: int
    kind: str
    data: dict[str, object]


def events_after(*, run_id: UUID | str, seq: int, output: bool = True) -> list[StreamEvent]:
    """The next events and chunks after number SEQ, in order; at most a page of chunks, and none without OUTPUT."""
    last = Run.objects.filter(pk=run_id).values_list("event_seq", flat=True).first() or 0
    if last <= seq:
        return []
    here = {"run_id": run_id, "seq__gt": seq, "seq__lte": last}  # what comes between two reads waits for the next look
    after = OutputChunk.objects.filter(**here).select_related("step_run").order_by("seq")
    chunks = list(after[:PAGE]) if output else []
    events = RunEvent.objects.filter(**here)
    if len(chunks) == PAGE:
        events = events.filter(seq__lt=chunks[-1].seq)
    found = [StreamEvent(event.seq, event.kind, event.data) for event in events]
    found += [StreamEvent(chunk.seq, "output", _as_data(chunk)) for chunk in chunks]
    return sorted(found, key=lambda event: event.seq)


def log_bytes(*, run: Run, start: int, stop: int, step: str = "", node: str | None = None) -> Iterator[bytes]:
    """The bytes from START up to STOP of the run's log, or of one step's: pieces of up to 64 KiB.

    No connection is held between the pieces: a slow reader costs nobody anything.
    """
    narrowed = bool(step) or node is not None
    position = 0
    for chunk in chunks_of(run=run, step=step, node=node, first=0 if narrowed else _first_seq(run=run, start=start)):
        at = position if narrowed else chunk.offset  # steps repeat and run side by side: their bytes are counted here
        if at >= stop:
            return
        if at + len(chunk.data) > start:
            yield bytes(chunk.data)[max(0, start - at) : stop - at]
        position += len(chunk.data)


def chunks_of(*, run: Run, step: str = "", node: str | None = None, first: int = 0) -> Iterator[OutputChunk]:
    """In order, from number FIRST on, a page at a time."""
    chunks = OutputChunk.objects.filter(run=run).select_related("step_run").order_by("seq")
    if step:
        chunks = chunks.filter(step_run__step=step)
    if node is not None:
        chunks = chunks.filter(step_run__node=node)
    while found := list(chunks.filter(seq__gte=first)[:PAGE]):
        release_connection()
        yield from found
        first = found[-1].seq + 1


def log_size(*, run: Run, step: str = "", node: str | None = None) -> int:
    if not step and node is None:
        return run.output_bytes
    steps = run.step_runs.all()
    if step:
        steps = steps.filter(step=step)
    if node is not None:
        steps = steps.filter(node=node)
    return sum(steps.values_list("output_bytes", flat=True))


def _first_seq(*, run: Run, start: int) -> int:
    """The number of the chunk that holds the byte at START."""
    before = OutputChunk.objects.filter(run=run, offset__lte=start).order_by("-offset")
    return before.values_list("seq", flat=True).first() or 0


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
