"""A run's log as lines: step, number within the step run, time of its last byte, text, and what a marker line marks."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from runbooks.domain.markers import marker_of
from runbooks.live.follow import StepName, names_of
from runbooks.live.frames import Piece
from runbooks.live.pieces import before_line, pieces
from runbooks.models import Run

LONGEST = 64 * 1024  # bytes of a line that are kept whole; longer ones come in pieces


@dataclass(frozen=True, slots=True)
class Line:
    step_run_id: UUID
    number: int  # from 1, within the step run
    time: datetime
    text: bytes


def lines(*, run: Run, steps: list[UUID] | None = None, markers: Collection[str] = ()) -> Iterator[dict[str, object]]:
    """In order of arrival, where a line's place is that of its end. MARKERS: only marker lines of these kinds."""
    return told(split(pieces(run=run, steps=steps)), markers=markers)


def told(found: Iterable[Line], *, markers: Collection[str] = ()) -> Iterator[dict[str, object]]:
    naming = Naming()
    for line in found:
        marked = with_marker(naming.as_data(line))
        if not markers or marked.get("marker") in markers:
            yield marked


def lines_from(*, run: Run, step_run: UUID, first: int, count: int) -> Iterator[Line]:
    """COUNT lines of one step run, from number FIRST on, found by the index."""
    after = before_line(step_run=step_run, line=first)
    for line in split(pieces(run=run, after=after, steps=[step_run], most=4)):
        if line.number >= first + count:
            return
        if line.number >= first:
            yield line


def split(found: Iterable[Piece]) -> Iterator[Line]:
    """A first piece that begins within a line gives that line without its beginning."""
    rest: dict[UUID, bytes] = {}
    last: dict[UUID, tuple[int, datetime]] = {}
    for piece in found:
        key, number = piece.step_run_id, piece.first_line
        *whole, tail = (rest.get(key, b"") + piece.data).split(b"\n")
        for text in whole:
            yield Line(key, number, piece.time, text)
            number += 1
        rest[key], last[key] = tail, (number, piece.time)
        if len(tail) > LONGEST:
            rest[key] = b""
            yield Line(key, number, piece.time, tail)
    for key, tail in rest.items():
        if tail:
            yield Line(key, *last[key], tail)


class Naming:
    """Lines as clients read them. Step runs are looked up once."""

    def __init__(self) -> None:
        self._names: dict[UUID, StepName] = {}

    def as_data(self, line: Line) -> dict[str, object]:
        if line.step_run_id not in self._names:
            self._names |= names_of([line.step_run_id])
        name = self._names[line.step_run_id]
        return {
            "line": line.number,
            "step": name.step,
            "node": name.node,
            "attempt": name.attempt,
            "time": line.time.isoformat().replace("+00:00", "Z"),
            "text": line.text.decode("utf-8", "replace"),
        }


def with_marker(line: dict[str, object]) -> dict[str, object]:
    """LINE, with its kind of `marker`, the `marked` text and the `percent` of progress where it is a marker line."""
    found = marker_of(str(line["text"]))
    if found is None:
        return line
    marked: dict[str, object] = {**line, "marker": found.kind, "marked": found.text}
    return marked if found.percent is None else {**marked, "percent": found.percent}
