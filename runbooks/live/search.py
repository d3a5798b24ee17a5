"""Search over a run's output, wherever it lies: page by page, with bounded work for each.

Text is found whatever the case. A piece is searched as a whole, and only around hits it is taken apart into lines: that
is what makes ten million lines a matter of seconds.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import re2

from runbooks.domain.patterns import MAX_PATTERN_LENGTH
from runbooks.live.follow import log_bytes
from runbooks.live.frames import Piece
from runbooks.live.lines import LONGEST, Line
from runbooks.live.pieces import before_step_offset, pieces
from runbooks.models import Run

MOST_BYTES, MOST_SECONDS = 64 << 20, 1.0  # that one look goes through
EXCERPT = 400  # characters
OVERLAP = 4096  # of a line too long to be kept: what is looked at again, so that no hit is cut in two

Finder = Callable[[bytes], Iterator[int]]  # which lines of some text, counted from 0, have a hit


class Place(NamedTuple):
    """Where a look goes on: at this line of the piece with that number."""

    seq: int = 1
    line: int = 0


class BadSearch(Exception):
    """For people: what is wrong with what was asked for."""


@dataclass
class Found:
    lines: list[Line] = field(default_factory=list)
    next: Place | None = None  # None: all was looked at
    searched_to: int = 0  # byte of the run's log


def text_finder(text: str) -> Finder:
    wanted = text.lower()
    if wanted.isascii():
        needle = wanted.encode()
        return lambda data: _lines_with(data.lower(), needle, b"\n")
    return lambda data: _lines_with(data.decode("utf-8", "replace").lower(), wanted, "\n")


def pattern_finder(pattern: str) -> Finder:
    """RE2, within lines, ^ and $ for their ends. Raises BadSearch."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise BadSearch(f"Give at most {MAX_PATTERN_LENGTH} characters.")
    options = re2.Options()
    options.case_sensitive, options.never_nl, options.log_errors = False, True, False
    try:
        compiled = re2.compile(f"(?m:{pattern})".encode(), options)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise BadSearch(f"RE2 cannot read this regular expression: {said}.") from error

    def find(data: bytes) -> Iterator[int]:
        index, counted = 0, 0
        match = compiled.search(data)
        while match:
            index, counted = index + data.count(b"\n", counted, match.start()), match.start()
            yield index
            end = data.find(b"\n", match.start())
            match = compiled.search(data, end + 1) if end >= 0 else None

    return find


def search(*, run: Run, find: Finder, limit: int, steps: list[UUID] | None = None, start: Place | None = None) -> Found:
    """Lines with a hit in order of arrival, where a line's place is that of its end; at most LIMIT, from START on."""
    start, found, single = start or Place(), Found(), steps is not None and len(steps) == 1
    looking, end, looked = _Looking(run=run, find=find), time.monotonic() + MOST_SECONDS, 0
    for piece in pieces(run=run, after=start.seq - 1, steps=steps):
        if looked > MOST_BYTES or (looked and time.monotonic() > end):
            found.next = Place(piece.seq)
            return found
        looked += len(piece.data)
        for line in looking.through(piece):
            if line.number < start.line and (piece.seq == start.seq or single):
                continue
            if len(found.lines) == limit:
                found.next = Place(piece.seq, line.number)
                return found
            found.lines.append(line)
        found.searched_to = piece.offset + len(piece.data)
    if start.seq > 1:
        looking.catch_up(steps)
    found.lines += list(looking.rest())
    return found


def matching(*, run: Run, find: Finder, steps: list[UUID] | None = None) -> Iterator[Line]:
    """All of them, for whoever reads to the end."""
    looking = _Looking(run=run, find=find)
    for piece in pieces(run=run, steps=steps):
        yield from looking.through(piece)
    yield from looking.rest()


def excerpt(text: str, find: Finder) -> str:
    """TEXT, cut to what is around the first hit where it is long."""
    if len(text) <= EXCERPT:
        return text
    for first in range(0, len(text), EXCERPT // 2):
        part = text[first : first + EXCERPT]
        if any(True for _ in find(part.encode("utf-8", "replace"))):
            return ("…" if first else "") + part + ("…" if first + EXCERPT < len(text) else "")
    return text[:EXCERPT] + "…"


@dataclass
class _Looking:
    """What is kept from one piece to the next: of each step run the line that has not ended."""

    run: Run
    find: Finder
    carried: dict[UUID, bytes] = field(default_factory=dict)
    last: dict[UUID, Line] = field(default_factory=dict)
    told: dict[UUID, int] = field(default_factory=dict)  # the long line that a hit was told of

    def through(self, piece: Piece) -> Iterator[Line]:
        """The lines with a hit that end in this piece, or have become too long to wait for their end."""
        key = piece.step_run_id
        data = self._before(piece) + piece.data
        whole, newline, tail = data.rpartition(b"\n")
        if newline:
            yield from self._hits(piece, whole, piece.first_line)
        number = piece.first_line + piece.data.count(b"\n")
        if len(tail) > LONGEST:
            yield from self._hits(piece, tail, number)
            tail = tail[-OVERLAP:]
        self.carried[key], self.last[key] = tail, Line(key, number, piece.time, b"")

    def rest(self) -> Iterator[Line]:
        """Lines without an end."""
        for key, tail in self.carried.items():
            number, moment = self.last[key].number, self.last[key].time
            if tail and self.told.get(key) != number and any(True for _ in self.find(tail)):
                yield Line(key, number, moment, tail)

    def catch_up(self, steps: list[UUID] | None) -> None:
        """Where a look began in the middle: lines without an end of step runs that wrote only before."""
        rows = self.run.step_runs.filter(output_bytes__gt=0).exclude(pk__in=self.carried)
        for row in rows if steps is None else rows.filter(pk__in=steps):
            after = before_step_offset(step_run=row.pk, offset=max(0, row.output_bytes - LONGEST))
            last = list(pieces(run=self.run, after=after, steps=[row.pk]))
            if last and not last[-1].data.endswith(b"\n"):
                self.carried[row.pk] = b"".join(piece.data for piece in last).rpartition(b"\n")[2]
                self.last[row.pk] = Line(row.pk, row.output_lines + 1, last[-1].time, b"")

    def _hits(self, piece: Piece, data: bytes, first: int) -> Iterator[Line]:
        texts: list[bytes] = []
        for index in self.find(data):
            texts = texts or data.split(b"\n")
            number = first + index
            if self.told.get(piece.step_run_id) == number or index >= len(texts):
                continue
            self.told[piece.step_run_id] = number
            yield Line(piece.step_run_id, number, piece.time, texts[index])

    def _before(self, piece: Piece) -> bytes:
        """The beginning of the line that the piece begins in. Where a look goes on in the middle, it is fetched."""
        if piece.step_run_id in self.carried or piece.step_offset == 0:
            return self.carried.get(piece.step_run_id, b"")
        start, steps = max(0, piece.step_offset - LONGEST), [piece.step_run_id]
        before = b"".join(log_bytes(run=self.run, start=start, stop=piece.step_offset, steps=steps))
        return before.rpartition(b"\n")[2]


def _lines_with(data: bytes | str, wanted: bytes | str, newline: bytes | str) -> Iterator[int]:
    index, counted = 0, 0
    at = data.find(wanted)  # type: ignore[arg-type]  # both are bytes, or both are text
    while at >= 0:
        index, counted = index + data.count(newline, counted, at), at  # type: ignore[arg-type]
        yield index
        end = data.find(newline, at)  # type: ignore[arg-type]
        at = data.find(wanted, end) if end >= 0 else -1  # type: ignore[arg-type]
