"""A run's log as lines: step, number within the step run, time of its last byte, text."""

from collections.abc import Iterator
from uuid import UUID

from runbooks.live.follow import chunks_of
from runbooks.models import OutputChunk, Run

LONGEST = 64 * 1024  # characters of a line that are kept whole; longer ones come in pieces


def lines(*, run: Run, step: str = "", node: str | None = None, q: str = "") -> Iterator[dict[str, object]]:
    """In order of arrival, where a line's place is that of its end. Q: only lines with this text, whatever the case."""
    wanted = q.lower()
    for line in _split(chunks_of(run=run, step=step, node=node)):
        if wanted in str(line["text"]).lower():
            yield line


def _split(chunks: Iterator[OutputChunk]) -> Iterator[dict[str, object]]:
    rest: dict[UUID, bytes] = {}
    numbers: dict[UUID, int] = {}
    last: dict[UUID, OutputChunk] = {}
    for chunk in chunks:
        key = chunk.step_run_id
        last[key] = chunk
        *whole, tail = (rest.get(key, b"") + bytes(chunk.data)).split(b"\n")
        for text in whole:
            numbers[key] = numbers.get(key, 0) + 1
            yield _line(chunk, numbers[key], text)
        rest[key] = tail if len(tail) <= LONGEST else b""
        if len(tail) > LONGEST:
            yield _line(chunk, numbers.get(key, 0) + 1, tail)
    for key, tail in rest.items():
        if tail:
            yield _line(last[key], numbers.get(key, 0) + 1, tail)


def _line(chunk: OutputChunk, number: int, text: bytes) -> dict[str, object]:
    return {
        "line": number,
        "step": chunk.step_run.step,
        "node": chunk.step_run.node,
        "time": chunk.time.isoformat().replace("+00:00", "Z"),
        "text": text.decode("utf-8", "replace"),
    }
