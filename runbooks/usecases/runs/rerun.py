from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.domain.plan import read_plan
from runbooks.domain.problems import Invalid, Problem, pointer_to
from runbooks.domain.states import RUN_FINAL, VersionState
from runbooks.models import Run
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.fan_out import failed_nodes as nodes_to_do
from runbooks.usecases.runs.start import Request, start


def rerun(
    *,
    actor: Actor,
    run: Run,
    same_version: bool,
    failed_nodes: bool = False,
    secrets: Mapping[str, object] | None = None,
    now: datetime,
) -> Run:
    """A new run with the same values on the same nodes, checked anew: of the published version, or of the very same
    one. SECRETS are values for secret parameters: those of the earlier run were destroyed.

    FAILED_NODES: only where something of the first did not succeed. Raises Conflict where there is no such node.
    """
    request = with_secrets(request_like(run=run, same_version=same_version), secrets or {})
    if failed_nodes:
        request = on_failed_nodes(request, run=run)
    return start(actor=actor, runbook=run.runbook, request=request, now=now, rerun_of=run)


def on_failed_nodes(request: Request, *, run: Run) -> Request:
    """REQUEST only for the nodes where RUN did not succeed. Raises Conflict where there is none."""
    if run.status not in RUN_FINAL:
        raise Conflict("The run has not ended yet.", code="not_ended")
    names = tuple(nodes_to_do(run))
    if not names:
        raise Conflict("There is no node where this run did not succeed.", code="no_failed_nodes")
    return replace(request, targets=names)


def request_like(*, run: Run, same_version: bool) -> Request:
    """Never on more machines than that run was for: it may have been narrowed down to one of a thousand."""
    names = tuple(node.name for node in read_plan(bytes(run.plan)).targets)
    number = run.version.number if same_version and run.version.state != VersionState.PUBLISHED else None
    return Request(values=run.parameters, reason=run.reason, number=number, targets=names)


def with_secrets(request: Request, secrets: Mapping[str, object]) -> Request:
    """Raises Invalid where another value would be changed by the way."""
    if known := sorted(set(secrets) & set(request.values)):
        detail = "This takes the values of the run before; only secret ones are asked for again."
        raise Invalid([Problem(pointer_to("parameters", name), "not_secret", detail) for name in known])
    return replace(request, values={**request.values, **secrets})
