"""Adding to a run's stream: each event and each chunk of output takes the run's next number, in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from runbooks.domain.states import StepStatus
from runbooks.live.announce import announce
from runbooks.models import OutputChunk, Run, RunEvent, StepRun
from runbooks.models.rows import insert

CHUNK_BYTES = 64 * 1024


class FenceLost(Exception):
    """This step run belongs to somebody else now; nothing was written."""


@dataclass(frozen=True)
class NewEvent:
    kind: str
    data: dict[str, object]


@dataclass(frozen=True)
class StepKey:
    """A claimed step run, and the fence that the claim gave."""

    run_id: UUID
    step_run_id: UUID
    fence: int


def append_events(*, run_id: UUID, events: Sequence[NewEvent], now: datetime, last: int | None = None) -> None:
    """Must be called inside a transaction. LAST is the number of the last event, where the caller's own change of the
    run has taken the numbers already."""
    if last is None:
        last, _ = _next_numbers(run_id=run_id, count=len(events), size=0)
    first = last - len(events) + 1
    insert(
        *[
            RunEvent(run_id=run_id, seq=seq, kind=event.kind, data=event.data, time=now)
            for seq, event in enumerate(events, start=first)
        ]
    )
    transaction.on_commit(lambda: announce(run_id))


@transaction.atomic
def append_output(*, key: StepKey, at: int, data: bytes, now: datetime, piece_bytes: int = CHUNK_BYTES) -> None:
    """Adds DATA at offset AT of the step's log, in pieces of at most PIECE_BYTES, once, however often it is repeated.

    Raises FenceLost, having written nothing, where the claim no longer holds.
    """
    lines = _advance_step(key=key, at=at, data=data)
    if lines is None:
        return
    pieces = list(whole_characters(data, piece_bytes))
    seq, run_end = _next_numbers(run_id=key.run_id, count=len(pieces), size=len(data))
    number, offset, line = seq - len(pieces) + 1, run_end - len(data), lines - data.count(b"\n") + 1
    chunks = []
    for piece in pieces:
        place = {"offset": offset, "step_offset": at, "first_line": line}
        chunks.append(
            OutputChunk(run_id=key.run_id, seq=number, step_run_id=key.step_run_id, time=now, data=piece, **place)
        )
        number, offset, at, line = number + 1, offset + len(piece), at + len(piece), line + piece.count(b"\n")
    insert(*chunks)
    transaction.on_commit(lambda: announce(key.run_id))


def whole_characters(data: bytes, size: int) -> Iterator[bytes]:
    """DATA in pieces of at most SIZE bytes that end with a character, as far as it is text."""
    while len(data) > size:
        cut = size - unfinished(data[max(0, size - 4) : size])
        yield data[:cut]
        data = data[cut:]
    yield data


def unfinished(data: bytes | bytearray) -> int:
    """How many bytes at the end begin a UTF-8 character without ending it."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 2 if byte & 0xE0 == 0xC0 else 3 if byte & 0xF0 == 0xE0 else 4 if byte & 0xF8 == 0xF0 else 1
        return back if needed > back else 0
    return 0


def _next_numbers(*, run_id: UUID, count: int, size: int) -> tuple[int, int]:
    """The last of the run's next COUNT event numbers, and the length of its log after SIZE more bytes."""
    sql = (
        f"UPDATE {Run._meta.db_table} SET event_seq = event_seq + %s, output_bytes = output_bytes + %s"  # noqa: S608
        " WHERE id = %s RETURNING event_seq, output_bytes"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [count, size, _key(run_id)])
        seq, end = cursor.fetchone()
    return seq, end


def _advance_step(*, key: StepKey, at: int, data: bytes) -> int | None:
    """How many lines the step has then ended; None where these bytes are there already: the answer to an earlier
    commit was lost on its way."""
    sql = (
        f"UPDATE {StepRun._meta.db_table}"  # noqa: S608
        " SET output_bytes = output_bytes + %s, output_lines = output_lines + %s"
        " WHERE id = %s AND fence = %s AND status = 'running' AND output_bytes = %s RETURNING output_lines"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [len(data), data.count(b"\n"), _key(key.step_run_id), key.fence, at])
        if row := cursor.fetchone():
            lines: int = row[0]
            return lines
    mine = StepRun.objects.filter(pk=key.step_run_id, fence=key.fence, status=StepStatus.RUNNING)
    if mine.filter(output_bytes=at + len(data)).exists():
        return None
    raise FenceLost("the lease of this step run was lost: its output is no longer taken")


def _key(value: UUID) -> str | UUID:
    """As the engine stores it."""
    stored: str | UUID = Run._meta.pk.get_db_prep_value(value, connection)
    return stored
