"""After the end of a step run has been written: the workflow goes on, once a step has ended on all its nodes."""

from datetime import datetime

from runbooks.domain.states import StepStatus
from runbooks.live.append import NewEvent, append_events
from runbooks.models import Run, StepRun
from runbooks.models.rows import Sql, move
from runbooks.usecases.runs.advance import advance
from runbooks.usecases.runs.fan_out import node_ended
from runbooks.usecases.runs.tell import step_event


def settle(*, step_run: StepRun, run: Run, ended: NewEvent, now: datetime) -> None:
    """Must be called inside the transaction that wrote the end, with RUN held."""
    if step_run.part_of_id is None:
        advance(run=run, told_before=[ended], now=now)
        return
    events, was_last = node_ended(part=step_run, run=run, now=now)
    if was_last:
        advance(run=run, told_before=[ended, *events], now=now)
    else:
        append_events(run_id=run.pk, events=[ended, *events], now=now)


def fail_unstarted(*, part: StepRun, run: Run, detail: str, now: datetime) -> bool:
    """Ends a node's step run that no worker has taken. RUN is held. Answers whether this call did."""
    changed = {"status": StepStatus.FAILED, "finished_at": now, "detail": detail}
    if not StepRun.objects.filter(pk=part.pk, status=StepStatus.QUEUED).update(**changed):
        return False
    part.status, part.finished_at, part.detail = StepStatus.FAILED, now, detail
    settle(step_run=part, run=run, ended=step_event(part), now=now)
    return True


def held(run: Run, *, output_complete: bool = True) -> Run:
    """The run as it is now, held against others until the transaction's end."""
    values = {} if output_complete else {"output_complete": False}
    found = move(
        Run,
        where={"id": run.pk},
        values={"event_seq": Sql("event_seq + %s", 0), **values},
        returning="status, cancel_requested_at, cleanup_cancelled_at, output_complete",
    )
    assert found is not None
    run.status, run.cancel_requested_at, run.cleanup_cancelled_at = found[:3]
    run.output_complete = bool(found[3])
    return run
