"""Guardrails and limits when a run begins: asked again of what holds now."""

from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.rights import limited_by
from runbooks.domain.definition import Definition
from runbooks.domain.guardrails import decided
from runbooks.domain.plan import Plan
from runbooks.domain.policy import YES, Decision
from runbooks.models import BreakGlassReview, Installation, Node, Run
from runbooks.usecases.grants.cover import Wanted, cover_of
from runbooks.usecases.guardrails.check import Start, guardrails
from runbooks.usecases.nodes.maintenance import maintenance_of


def guardrails_allow(*, run: Run, definition: Definition, plan: Plan, house: Installation, now: datetime) -> Decision:
    """Whose start broke the glass passes rates, and the freezes that had been made by then: not one made since, which
    they neither saw nor gave a reason for. Without a refusal nobody asks for it."""
    start = Start(
        runbook=run.runbook,
        definition=definition,
        house=house,
        requester=run.requested_by,
        trigger=run.trigger,
        run=run,
    )
    found = guardrails(start, now=now)
    passed = bool(found) and _broke_the_glass(run)
    return decided(found, breaks_glass=passed) & _in_service(definition=definition, plan=plan, now=now)


def still_covered(*, run: Run, actor: Actor, plan: Plan, starting: bool, now: datetime) -> Decision:
    """Where the grant by which it was asked for has ended meanwhile, another may cover it. STARTING: that one counts it
    then; else this only looks."""
    if not limited_by(actor=actor, right="run", place=run.runbook, now=now):
        return YES
    with transaction.atomic():
        wanted = Wanted(values=plan.values, targets=plan.targets, breaks_glass=_broke_the_glass(run))
        cover = cover_of(actor=actor, runbook=run.runbook, wanted=wanted, hold=starting, run=run, now=now)
        if starting and cover.grant and cover.grant.pk != run.by_grant_id:
            Run.objects.filter(pk=run.pk).update(by_grant=cover.grant)
    return cover.decision


def _broke_the_glass(run: Run) -> bool:
    return BreakGlassReview.objects.filter(run=run).exists()


def _in_service(*, definition: Definition, plan: Plan, now: datetime) -> Decision:
    """Nodes that went into maintenance meanwhile refuse the run, or else are passed over one by one."""
    if definition.targets is None or definition.targets.without_maintained:
        return YES
    named = Node.objects.filter(pk__in=[node.id for node in plan.targets], maintenance_from__isnull=False)
    return maintenance_of(list(named.select_related("maintenance_by")), now=now)
