"""Breaking the glass: entitled people pass what passes by itself, loudly, and somebody else looks at it afterwards."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.access.rights import members_now, rights_on
from runbooks.audit.record import record
from runbooks.domain.approvals import by_a_person
from runbooks.domain.definition import Definition
from runbooks.domain.policy import Decision, no, unless
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import BreakGlassReview, Membership, Run, Runbook
from runbooks.queries.guardrails import CLOSERS
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.grants.cover import Wanted
from runbooks.usecases.guardrails.tell import tell_of_broken_glass

ACTION = "glass.broken"
MOST_CHARACTERS = 4000
NO_TOKEN = "Breaking the glass needs a person at the page who has just proven who they are: no token can do it."  # noqa: S105
NOT_PROVEN = "Breaking the glass needs you to type your password again first."
REASON_NEEDED = "Say why you break the glass: the owners and the auditors are told."


def may_break(*, actor: Actor, definition: Definition, now: datetime) -> Decision:
    """Whether the definition names the actor, or a group that they are in now."""
    allowed = definition.guardrails.may_break
    if actor.via != "ui":
        return no(NO_TOKEN)
    named = f"user:{actor.name}" in allowed
    groups = [one.removeprefix("group:") for one in allowed if one.startswith("group:")]
    mine = Membership.objects.filter(members_now(now), user=actor.user, group__slug__in=groups)
    if named or (groups and mine.exists()):
        return unless()
    who = f"only {', '.join(allowed)} may" if allowed else "its definition names nobody who may"
    return no(f"You may not break the glass for this runbook: {who}.")


def require_may_break(
    *, actor: Actor, runbook: Runbook, definition: Definition, proven: bool, reason: str | None, now: datetime
) -> None:
    """PROVEN: the password was typed again a moment ago. REASON: None where it is not asked yet. Raises NotAllowed and
    Invalid."""
    require(may_break(actor=actor, definition=definition, now=now), action=ACTION, thing=runbook)
    require(unless(None if proven else NOT_PROVEN), action=ACTION, thing=runbook)
    if reason is not None and not reason.strip():
        raise Invalid([Problem("/reason", "required", REASON_NEEDED)])


def open_review_if_broken(
    *, actor: Actor, run: Run, wanted: Wanted, passed: Sequence[str], now: datetime
) -> BreakGlassReview | None:
    """In the transaction of the start."""
    if not wanted.breaks_glass:
        return None
    review = BreakGlassReview.objects.create(run=run, by=actor.user, reason=run.reason, passed=list(passed))
    details = {"passed": list(passed)}
    act = record(actor=actor, action=ACTION, thing=run, reason=run.reason, details=details, now=now)
    tell_of_broken_glass(act=act, run=run, passed=passed, now=now)
    return review


def may_close(*, actor: Actor, review: BreakGlassReview, now: datetime) -> Decision:
    rights = rights_on(actor=actor, place=review.run.runbook, now=now)
    return by_a_person(actor.via, what="close this") & unless(
        None
        if set(CLOSERS) & rights
        else "Closing this needs the right “review”, “audit” or “administer” on the runbook.",
        "Somebody else has to close it: you broke the glass yourself." if _is_own(actor, review) else None,
    )


def close(*, actor: Actor, review: BreakGlassReview, comment: str, now: datetime) -> None:
    """Raises NotAllowed, Invalid and Conflict."""
    require(may_close(actor=actor, review=review, now=now), action="glass.reviewed", thing=review.run)
    comment = comment.strip()
    if not comment or len(comment) > MOST_CHARACTERS:
        detail = f"Say what you found, in up to {MOST_CHARACTERS} characters."
        raise Invalid([Problem("/comment", "required", detail)])
    with transaction.atomic():
        open_one = BreakGlassReview.objects.filter(pk=review.pk, closed_at=None)
        if not open_one.update(closed_at=now, closed_by=actor.user, comment=comment):
            raise Conflict("This was closed already.", code="already_closed")
        details = {"review": str(review.pk), "by": review.by.username}
        record(actor=actor, action="glass.reviewed", thing=review.run, reason=comment, details=details, now=now)


def _is_own(actor: Actor, review: BreakGlassReview) -> bool:
    return actor.user.person_id == review.by.person_id
