"""Adding to a run's stream: each event and each chunk of output takes the run's next number, in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from runbooks.live.announce import announce
from runbooks.models import OutputChunk, Run, RunEvent, StepRun


class FenceLost(Exception):
    """This step run belongs to somebody else now; nothing was written."""


@dataclass(frozen=True)
class StepKey:
    """A claimed step run, and the fence that the claim gave."""

    run_id: UUID
    step_run_id: UUID
    fence: int


def append_event(*, run_id: UUID, kind: str, data: dict[str, object], now: datetime) -> None:
    """Must be called inside a transaction."""
    seq, _ = _next_number(run_id=run_id, size=0)
    RunEvent.objects.create(run_id=run_id, seq=seq, kind=kind, data=data, time=now)
    transaction.on_commit(lambda: announce(run_id))


@transaction.atomic
def append_output(*, key: StepKey, data: bytes, now: datetime) -> None:
    """Adds up to 64 KiB. Raises FenceLost, having written nothing, where the claim no longer holds."""
    step_end, lines = _advance_step(key=key, data=data)
    seq, run_end = _next_number(run_id=key.run_id, size=len(data))
    newlines = data.count(b"\n")
    OutputChunk.objects.create(
        run_id=key.run_id,
        seq=seq,
        step_run_id=key.step_run_id,
        offset=run_end - len(data),
        step_offset=step_end - len(data),
        first_line=lines - newlines + 1,
        time=now,
        data=data,
    )
    transaction.on_commit(lambda: announce(key.run_id))


def _next_number(*, run_id: UUID, size: int) -> tuple[int, int]:
    """The run's next event number, and the length of its log after SIZE more bytes."""
    sql = (
        f"UPDATE {Run._meta.db_table} SET event_seq = event_seq + 1, output_bytes = output_bytes + %s"  # noqa: S608
        " WHERE id = %s RETURNING event_seq, output_bytes"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [size, _key(run_id)])
        seq, end = cursor.fetchone()
    return seq, end


def _advance_step(*, key: StepKey, data: bytes) -> tuple[int, int]:
    sql = (
        f"UPDATE {StepRun._meta.db_table}"  # noqa: S608
        " SET output_bytes = output_bytes + %s, output_lines = output_lines + %s"
        " WHERE id = %s AND fence = %s AND status = 'running' RETURNING output_bytes, output_lines"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [len(data), data.count(b"\n"), _key(key.step_run_id), key.fence])
        row = cursor.fetchone()
    if row is None:
        raise FenceLost("the lease of this step run was lost: its output is no longer taken")
    return row[0], row[1]


def _key(value: UUID) -> str | UUID:
    """As the engine stores it."""
    stored: str | UUID = Run._meta.pk.get_db_prep_value(value, connection)
    return stored
