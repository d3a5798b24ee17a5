"""What approval a run would need, before anybody asks for it: for the form, and for a dry run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.approvers import meant_by
from runbooks.domain.approval_rules import Stage
from runbooks.domain.definition import Definition
from runbooks.domain.plan import Plan
from runbooks.models import Runbook, User
from runbooks.usecases.approvals.ask import asked_for

NAMED = 5


@dataclass(frozen=True)
class AskedStage:
    stage: Stage
    people: Sequence[str]  # names, of all who could answer now: NAMED at most
    enough: bool  # there are as many as it needs


@dataclass(frozen=True)
class Ahead:
    because: str
    stages: Sequence[AskedStage]
    expires_seconds: float


def ahead_of(*, actor: Actor, runbook: Runbook, definition: Definition, plan: Plan, now: datetime) -> Ahead | None:
    """None where no rule asks."""
    asked = asked_for(
        requester=actor.user,
        trigger=actor.via,
        definition=definition,
        values=plan.values,
        targets=plan.targets,
        now=now,
    )
    if asked is None:
        return None
    stages = [asked_stage(stage, runbook=runbook, requester=actor.user, now=now) for stage in asked.stages]
    return Ahead(because=asked.because, stages=stages, expires_seconds=asked.expires_seconds)


def asked_stage(stage: Stage, *, runbook: Runbook, requester: User, now: datetime) -> AskedStage:
    """Whom a stage asks, as things are now: never who asks."""
    meant = meant_by(stage=stage, runbook=runbook, now=now)
    people = {one.person_id: one.username for one in meant if one.person_id != requester.person_id}
    names = list(people.values())
    return AskedStage(stage=stage, people=names[:NAMED], enough=len(names) >= stage.count)
