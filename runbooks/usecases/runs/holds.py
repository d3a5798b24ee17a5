"""Whether a run may still start, and its next step be begun: asked again at every claim, of what is stored now."""

import hashlib
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation
from runbooks.access.rights import judged, rights_on
from runbooks.domain.approval_rules import reason_problems
from runbooks.domain.definition import Definition
from runbooks.domain.guardrails import decided, refusals
from runbooks.domain.plan import Plan, read_plan
from runbooks.domain.policy import YES, Decision, no, start_of, unless
from runbooks.domain.states import RunStatus, VersionState
from runbooks.models import Review, Run, StepRun, Version
from runbooks.models.prepared import Prepared
from runbooks.usecases.approvals.still import approvals_hold
from runbooks.usecases.guardrails.at_claim import guardrails_allow, still_covered
from runbooks.usecases.guardrails.check import stops_of
from runbooks.usecases.nodes.target import still_usable
from runbooks.usecases.secrets.vouch import vouched
from runbooks.usecases.versions.binding import binding_definition
from runbooks.usecases.versions.draft import definition_of

REVIEWS = Prepared(
    lambda version, digest: Review.objects.filter(version=version, verdict="approve", hash=digest)[:1],
    Version._meta.pk,
    Review._meta.get_field("hash"),
)


def still_holds(*, run: Run, step_run: StepRun, now: datetime) -> tuple[Definition | None, Decision]:
    """Content and kill switch at each claim, and whether somebody still vouches for the secrets that a step gets, once
    for all its nodes; permission, and all secrets of the run, at the first."""
    intact = _content_holds(run)
    if not intact:
        return None, intact
    definition = definition_of(run.version)
    switched_off = no("New steps are switched off for the whole installation at the moment.")
    house = installation()
    decision = YES if house.accepts_runs else switched_off
    if run.status == RunStatus.QUEUED:
        plan, binding = plan_of_run(run), binding_definition(run.version)
        decision = decision & may_still_start(run=run, starting=True, now=now)
        decision = decision & approvals_hold(run=run, definition=binding, plan=plan, now=now)
        decision = decision & guardrails_allow(run=run, definition=binding, plan=plan, house=house, now=now)
        decision = decision & _reason_holds(run, binding)
    else:
        decision = decision & decided(refusals(now=now, stops=stops_of(run.runbook)))
        if not step_run.part_of_id:
            decision = decision & _step_vouched(run=run, step=step_run.step, now=now)
    return definition, decision


def _reason_holds(run: Run, binding: Definition) -> Decision:
    """Where a version that asks for more than that of the run was published since."""
    if binding.policy.beside is None:
        return YES
    return unless(*(problem.detail for problem in reason_problems(binding.policy, reason=run.reason)))


def _step_vouched(*, run: Run, step: str, now: datetime) -> Decision:
    """Of the secrets that this step gets: the run may have waited for days since it began."""
    paths = plan_of_run(run).paths
    mine = [path for place, path in paths.items() if place.startswith(f"{step}.")]
    return vouched(version=run.version, paths=mine, now=now)


def may_still_start(*, run: Run, starting: bool, now: datetime) -> Decision:
    """Content, permission and secrets, but for the approvals that a run may need. STARTING: it counts, by the grant
    that covers it; else this only looks."""
    secrets = vouched(version=run.version, paths=plan_of_run(run).paths.values(), now=now)
    return _content_holds(run) & _permission_holds(run=run, starting=starting, now=now) & secrets


def still_published(run: Run) -> Decision:
    """Not where another version took the place of the one that was asked for."""
    superseded = run.version.state == VersionState.SUPERSEDED and _was_published_then(run)
    return no("Another version was published since this run was asked for: ask for it again.") if superseded else YES


def plan_of_run(run: Run) -> Plan:
    return read_plan(bytes(run.plan))


def _content_holds(run: Run) -> Decision:
    """What is about to run is what was reviewed and asked for, also when somebody edited the database by hand."""
    version = _digest(bytes(run.version.manifest))
    plan = _digest(bytes(run.plan))
    if version != run.version.hash or plan != run.plan_hash or read_plan(bytes(run.plan)).version != version:
        return no("The content is not what was reviewed: its hash differs.")
    return YES


def _permission_holds(*, run: Run, starting: bool, now: datetime) -> Decision:
    actor = Actor(user=run.requested_by, via=run.trigger, token=run.token)
    if run.token and (run.token.revoked_at or (run.token.expires_at and run.token.expires_at <= now)):
        return no("The token that asked for this run has been revoked or has expired.")
    held = rights_on(actor=actor, place=run.runbook, now=now)
    allowed = judged(actor=actor, right="run", held=held, place=run.runbook)
    state = VersionState(run.version.state)
    by_default = state is VersionState.PUBLISHED or run.parent_id is not None or _was_published_then(run)
    archived = bool(run.runbook.archived_at or run.runbook.project.archived_at)
    fit = start_of(
        accepts_runs=True, archived=archived, state=state, by_default=by_default, holds_review="review" in held
    )
    plan = read_plan(bytes(run.plan))
    definition = definition_of(run.version)
    usable = still_usable(actor=actor, runbook=run.runbook, definition=definition, plan=plan, now=now)
    covered = still_covered(run=run, actor=actor, plan=plan, starting=starting, now=now)
    return allowed & fit & _review_holds(run) & usable & covered


def _was_published_then(run: Run) -> bool:
    """Whether the version was the published one when the run was asked for, and another took its place since."""
    later = Version.objects.filter(runbook=run.runbook_id, state=VersionState.PUBLISHED)
    superseded = run.version.state == VersionState.SUPERSEDED
    return superseded and not later.filter(published_at__lte=run.created_at).exists()


def _review_holds(run: Run) -> Decision:
    """Somebody has approved this very content, whatever the version's row says of its state."""
    return YES if REVIEWS(run.version_id, run.version.hash) else no("Nobody has approved the content of this version.")


def _digest(text: bytes) -> str:
    return "sha256:" + hashlib.sha256(text).hexdigest()
