"""How the steps of a run stand, for the workflow. A step counts once, on however many nodes it runs."""

from collections.abc import Mapping
from datetime import datetime

from runbooks.domain.ports import JsonValue
from runbooks.domain.states import STEP_FINAL, RunStatus, StepStatus
from runbooks.domain.workflow import Facts, StepFact
from runbooks.models import Run, StepRun
from runbooks.models.prepared import Prepared

Latest = dict[str, StepRun]

STEP_RUNS = Prepared(
    lambda run: StepRun.objects.filter(run=run, part_of=None).select_related("fan_out").order_by("index", "attempt"),
    Run._meta.pk,
)


def latest_of(run: Run) -> Latest:
    """The last attempt of each step."""
    return {step_run.step: step_run for step_run in STEP_RUNS(run.pk)}


def facts_of(*, run: Run, latest: Latest, values: Mapping[str, JsonValue], now: datetime) -> Facts:
    return Facts(
        steps={step: _fact(step_run) for step, step_run in latest.items()},
        values=values,
        now=now,
        cancelled=run.cancel_requested_at is not None,
        main=RunStatus(run.main_status) if run.main_status else None,
        cleanup_cancelled=run.cleanup_cancelled_at is not None,
    )


def outputs_of(latest: Latest) -> dict[str, dict[str, str]]:
    """What the steps before have handed on, for scripts."""
    return {step: step_run.outputs for step, step_run in latest.items() if step_run.outputs}


def _fact(step_run: StepRun) -> StepFact:
    status = StepStatus(step_run.status)
    return StepFact(
        status=status,
        attempt=step_run.attempt,
        exit_code=step_run.exit_code,
        outputs=step_run.outputs,
        started=step_run.started_at is not None,
        delayed=status is StepStatus.PENDING and step_run.due_at is not None,
        tolerated=step_run.nodes is not None and status in STEP_FINAL and not step_run.fan_out.stopped,
        carried=step_run.carried_from_id is not None,
    )
