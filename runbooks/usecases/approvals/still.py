"""Whether the approvals of a run hold when it starts: asked at its first claim, of things as they are then."""

from datetime import datetime

from runbooks.domain.approval_rules import are_of
from runbooks.domain.definition import Definition
from runbooks.domain.plan import Plan
from runbooks.domain.policy import YES, Decision, no
from runbooks.models import Run
from runbooks.queries.approvals import progress_of, request_of
from runbooks.usecases.approvals.ask import asked_for


def approvals_hold(*, run: Run, definition: Definition, plan: Plan, now: datetime) -> Decision:
    """Runs of a definition without a rule cost no look. A run that needed approval and was never asked about it, or
    whose request names another plan or other stages, does not start: somebody has been at the database, or a version
    that asks for more was published since."""
    if not definition.policy.rules:
        return YES
    request = request_of(run)
    asked = asked_for(
        requester=run.requested_by,
        trigger=run.trigger,
        definition=definition,
        values=plan.values,
        targets=plan.targets,
        now=run.created_at,
    )
    if request is None:
        return no(f"Nobody has approved this run. {asked.because}") if asked else YES
    if request.plan_hash != run.plan_hash:
        return no("What was approved is not what would run: its hash differs.")
    if not are_of(request.stages, definition.policy, asked=asked):
        return no("Those who were asked are not those whom this runbook asks. Ask for the run again.")
    progress = progress_of(request, now=now)
    if progress.standing.complete:
        return YES
    gone = progress.standing.objections.values()
    return no(*gone, f"So it lacks {progress.waits_for}. Ask for the run again.")
