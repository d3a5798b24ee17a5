"""Reading a run's stream from a given number on, and its log by offset."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from runbooks.live.frames import Piece
from runbooks.live.pieces import OutputDamaged, before_offset, before_step_offset, page, pieces
from runbooks.models import Run, RunEvent, StepRun


@dataclass(frozen=True)
class StreamEvent:
    seq: int
    kind: str
    data: dict[str, object]


class StepName(NamedTuple):
    step: str
    node: str
    attempt: int


def events_after(*, run_id: UUID | str, seq: int, output: bool = True, output_after: int = 0) -> list[StreamEvent]:
    """The next events and pieces of output after number SEQ, in order; at most a page; no output and no notes without
    OUTPUT.

    Output up to number OUTPUT_AFTER is left out. What is written between the reads of one look waits for the next.
    """
    last = Run.objects.filter(pk=run_id).values_list("event_seq", flat=True).first() or 0
    if last <= seq:
        return []
    found = _output_after(run_id=run_id, seq=max(seq, output_after), last=last) if output else []
    until = found[-1].seq if found else last  # there may be more output after that
    events = RunEvent.objects.filter(run_id=run_id, seq__gt=seq, seq__lte=until)
    if not output:
        events = events.exclude(kind="note")  # they speak of the output
    found += [StreamEvent(event.seq, event.kind, event.data) for event in events]
    return sorted(found, key=lambda event: event.seq)


def _output_after(*, run_id: UUID | str, seq: int, last: int) -> list[StreamEvent]:
    try:
        read = [piece for piece in page(run_id=run_id, after=seq) if piece.seq <= last]
    except OutputDamaged as damage:
        told: dict[str, object] = {"offset": damage.offset, "length": damage.length, "detail": str(damage)}
        return [StreamEvent(damage.last_seq, "damaged", told)]
    names = names_of({piece.step_run_id for piece in read})
    return [StreamEvent(piece.seq, "output", _as_data(piece, names[piece.step_run_id])) for piece in read]


def names_of(step_runs: Iterable[UUID]) -> dict[UUID, StepName]:
    rows = StepRun.objects.filter(pk__in=set(step_runs)).values_list("pk", "step", "node", "attempt")
    return {key: StepName(step, node, attempt) for key, step, node, attempt in rows}


def chosen_steps(*, run: Run, step: str = "", node: str | None = None, attempt: int | None = None) -> list[UUID] | None:
    """The step runs that are meant; None for all."""
    if not step and node is None and attempt is None:
        return None
    wanted = {"step": step or None, "node": node, "attempt": attempt}
    found = run.step_runs.filter(**{name: value for name, value in wanted.items() if value is not None})
    return list(found.values_list("pk", flat=True))


def log_bytes(*, run: Run, start: int, stop: int, steps: list[UUID] | None = None) -> Iterator[bytes]:
    """The bytes from START up to STOP of the run's log, or of the log of STEPS alone: pieces of up to 64 KiB."""
    after, position = _seek(run=run, start=start, steps=steps)
    for piece in pieces(run=run, after=after, steps=steps):
        if position is None:
            position = piece.step_offset if steps else piece.offset
        if position >= stop:
            return
        if position + len(piece.data) > start:
            yield piece.data[max(0, start - position) : stop - position]
        position += len(piece.data)


def _seek(*, run: Run, start: int, steps: list[UUID] | None) -> tuple[int, int | None]:
    """Where to begin, and which byte of the log that is; None: as the piece found there says."""
    if steps is None:
        return before_offset(run=run, offset=start), None
    if len(steps) == 1:
        return before_step_offset(step_run=steps[0], offset=start), None
    return 0, 0  # steps repeat and run side by side: their bytes are counted from the beginning


def log_size(*, run: Run, steps: list[UUID] | None = None) -> int:
    if steps is None:
        return run.output_bytes
    return sum(run.step_runs.filter(pk__in=steps).values_list("output_bytes", flat=True))


def _as_data(piece: Piece, name: StepName) -> dict[str, object]:
    return {
        "step_run": str(piece.step_run_id),
        "step": name.step,
        "node": name.node,
        "offset": piece.offset,
        "step_offset": piece.step_offset,
        "line": piece.first_line,
        "time": piece.time.isoformat().replace("+00:00", "Z"),
        "text": piece.data.decode("utf-8", "replace"),
    }
