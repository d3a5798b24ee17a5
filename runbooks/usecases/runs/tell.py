"""What watchers of a run are told, in the transaction of the change."""

from datetime import datetime

from runbooks.live.append import NewEvent
from runbooks.models import Run, StepRun


def status_event(run: Run) -> NewEvent:
    data: dict[str, object] = {
        "status": run.status,
        "detail": run.status_detail,
        "started_at": rfc3339(run.started_at),
        "finished_at": rfc3339(run.finished_at),
        "exit_code": run.exit_code,
        "output_complete": run.output_complete,
    }
    return NewEvent("status", data)


def step_event(step_run: StepRun) -> NewEvent:
    data: dict[str, object] = {
        "id": str(step_run.pk),
        "step": step_run.step,
        "node": step_run.node,
        "attempt": step_run.attempt,
        "status": step_run.status,
        "exit_code": step_run.exit_code,
        "started_at": rfc3339(step_run.started_at),
        "finished_at": rfc3339(step_run.finished_at),
        "detail": step_run.detail,
        "cleanup": step_run.cleanup,
        "due_at": rfc3339(step_run.due_at),
    }
    return NewEvent("step", data)


def rfc3339(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
