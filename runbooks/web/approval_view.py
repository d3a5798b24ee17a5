"""A request for approval as pages show it."""

from dataclasses import dataclass
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.domain.plan import read_plan
from runbooks.domain.policy import Decision
from runbooks.domain.states import RunStatus
from runbooks.models import Approval, ApprovalRequest, Run
from runbooks.queries.approval_changes import Changes, changes_since_last
from runbooks.queries.approvals import Progress, progress_of, voice
from runbooks.usecases.approvals.ahead import AskedStage, asked_stage
from runbooks.usecases.runs.approve import still_as_asked
from runbooks.web.diffs import Diff, parsed

NODES_NAMED = 20


@dataclass(frozen=True)
class StageRow:
    asked: AskedStage
    number: int
    state: str  # "done", "now" or "later"
    missing: int


@dataclass(frozen=True)
class Said:
    approval: Approval
    on_behalf_of: str
    objection: str


@dataclass(frozen=True)
class ApprovalView:
    run: Run
    request: ApprovalRequest
    progress: Progress
    waits: bool
    approve: Decision
    reject: Decision
    stale: tuple[str, ...]
    stages: list[StageRow]
    said: list[Said]
    nodes: list[str]
    more_nodes: int
    changes: Changes | None
    diff: Diff | None


def shown(request: ApprovalRequest, *, actor: Actor, now: datetime) -> ApprovalView:
    run, progress = request.run, progress_of(request, now=now)
    waits = run.status == RunStatus.AWAITING_APPROVAL
    changes = changes_since_last(run) if waits else None
    nodes = [node.name for node in read_plan(bytes(run.plan)).targets]
    objections = progress.standing.objections
    return ApprovalView(
        run=run,
        request=request,
        progress=progress,
        waits=waits,
        approve=voice(actor=actor, progress=progress, now=now)[2],
        reject=voice(actor=actor, progress=progress, verdict="reject", now=now)[2],
        stale=still_as_asked(run=run, now=now).reasons if waits else (),
        stages=_stages(progress, now=now) if waits else [],
        said=[Said(one, _lender(one), objections.get(one.pk, "") if waits else "") for one in progress.said],
        nodes=nodes[:NODES_NAMED],
        more_nodes=max(0, len(nodes) - NODES_NAMED),
        changes=changes,
        diff=parsed(changes.text) if changes and changes.text else None,
    )


def _lender(approval: Approval) -> str:
    return approval.of.username if approval.of_id != approval.by_id else ""


def _stages(progress: Progress, *, now: datetime) -> list[StageRow]:
    run, at = progress.request.run, progress.standing.stage
    rows = []
    for index, stage in enumerate(progress.stages):
        state = "now" if index == at else "done" if at is None or index < at else "later"
        asked = asked_stage(stage, runbook=run.runbook, requester=run.requested_by, now=now)
        missing = progress.standing.missing if state == "now" else 0
        rows.append(StageRow(asked=asked, number=index + 1, state=state, missing=missing))
    return rows
