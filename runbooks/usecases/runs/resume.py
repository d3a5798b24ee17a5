"""Going on with a run that did not succeed: a new run of the same version and values, from the first failed step."""

from collections.abc import Mapping
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.domain.definition import Definition, ordinary_steps
from runbooks.domain.states import RUN_FINAL, RunStatus, StepStatus
from runbooks.models import Run, StepRun
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.facts import Latest, latest_of
from runbooks.usecases.runs.may_start import may_start
from runbooks.usecases.runs.rerun import request_like, with_secrets
from runbooks.usecases.runs.start import Resuming, start
from runbooks.usecases.versions.draft import definition_of

NOT_FROM_HERE = "There is nothing to resume: {}. Run it again instead."


def resume(*, actor: Actor, run: Run, secrets: Mapping[str, object] | None = None, now: datetime) -> Run:
    """Checked anew like any start. SECRETS as in `rerun`. Raises Conflict where there is nothing to go on with, and
    what `start` raises."""
    request = with_secrets(request_like(run=run, same_version=True), secrets or {})
    may_start(actor=actor, runbook=run.runbook, number=request.number, now=now)
    if problem := not_resumable(run):
        raise Conflict(problem, code="not_resumable")
    return start(actor=actor, runbook=run.runbook, request=request, now=now, resuming=resuming_from(run))


def resuming_from(run: Run) -> Resuming:
    """Of a run that can be gone on with."""
    definition, latest = definition_of(run.version), latest_of(run)
    before = {step: latest[step] for step in ordinary_steps(definition) if _succeeded(latest[step])}
    return Resuming(run=run, before=before)


def not_resumable(run: Run) -> str | None:
    """Why this run can't be gone on with, in a sentence."""
    if run.status not in RUN_FINAL:
        return "The run has not ended yet."
    if run.status == RunStatus.SUCCEEDED or run.started_at is None:
        return NOT_FROM_HERE.format(f"the run {'has succeeded' if run.started_at else 'never started'}")
    if not _to_do(definition=definition_of(run.version), latest=latest_of(run)):
        return NOT_FROM_HERE.format("all of its steps but the cleanup have succeeded")
    return None


def _to_do(*, definition: Definition, latest: Latest) -> list[str]:
    """The steps that have not succeeded yet: conditions are asked again, with what the others had handed on."""
    return [step for step in ordinary_steps(definition) if not _succeeded(latest[step])]


def _succeeded(step_run: StepRun) -> bool:
    return step_run.status == StepStatus.SUCCEEDED or step_run.carried_from_id is not None
