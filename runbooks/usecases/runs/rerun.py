from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.domain.states import VersionState
from runbooks.models import Run
from runbooks.usecases.runs.start import Request, start


def rerun(*, actor: Actor, run: Run, same_version: bool, now: datetime) -> Run:
    """A new run with the same values, checked anew: of the published version, or of the very same one."""
    request = request_like(run=run, same_version=same_version)
    return start(actor=actor, runbook=run.runbook, request=request, now=now, rerun_of=run)


def request_like(*, run: Run, same_version: bool) -> Request:
    number = run.version.number if same_version and run.version.state != VersionState.PUBLISHED else None
    return Request(values=run.parameters, reason=run.reason, number=number)
