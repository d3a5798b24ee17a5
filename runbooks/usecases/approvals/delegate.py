"""Letting somebody else approve in one's place for a while. It hands on one's own voice and never a borrowed one."""

from datetime import datetime, timedelta

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.approvers import APPROVE, groups_of
from runbooks.access.fetch import installation, require
from runbooks.access.rights import is_enabled, may, rights_anywhere
from runbooks.audit.record import record
from runbooks.domain.approvals import by_a_person
from runbooks.domain.policy import YES, Decision, no
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.rights import with_implied
from runbooks.models import Delegation, User, UserKind
from runbooks.usecases.conflict import Conflict

LONGEST = timedelta(days=31)
REASON_CHARACTERS = 500
NO_SUCH_DELEGATE = "Name another person, who has an account here that is not disabled."


def delegate(*, actor: Actor, to: str, until: datetime, reason: str = "", now: datetime) -> Delegation:
    """TO is a username. Raises Invalid, NotAllowed for who has no voice to lend, and Conflict where TO has it."""
    require(_may_lend(actor, now=now), action="delegation.made", thing=actor.user)
    other = User.objects.filter(username=to, kind=UserKind.PERSON).first()
    problems = []
    if other is None or other.pk == actor.user.pk or not is_enabled(other):
        problems.append(Problem("/delegate", "no_delegate", NO_SUCH_DELEGATE))
    if not now < until <= now + LONGEST:
        problems.append(Problem("/ends_at", "out_of_range", f"It ends within {LONGEST.days} days from now."))
    if len(reason) > REASON_CHARACTERS:
        problems.append(Problem("/reason", "too_long", f"Keep the reason under {REASON_CHARACTERS} characters."))
    if problems or other is None:
        raise Invalid(problems)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).only("pk").get(pk=actor.user.pk)
        if Delegation.objects.filter(delegator=actor.user, delegate=other, ended_at=None, ends_at__gt=now).exists():
            raise Conflict(f"{other.username} may approve in your place already: end that first.", code="lent_already")
        made = Delegation.objects.create(
            delegator=actor.user, delegate=other, starts_at=now, ends_at=until, reason=reason.strip()
        )
        details = {"delegate": other.username, "ends_at": until.isoformat()}
        record(actor=actor, action="delegation.made", thing=made, reason=made.reason, details=details, now=now)
    return made


def take_back(*, actor: Actor, delegation: Delegation, now: datetime) -> None:
    """Either of the two may end it, and an administrator. Ending it twice is no error. Raises NotAllowed."""
    mine = actor.user.pk in {delegation.delegator_id, delegation.delegate_id}
    allowed = YES if mine else may(actor=actor, right="administer", place=installation(), now=now)
    require(allowed, action="delegation.ended", thing=delegation)
    with transaction.atomic():
        ended = {"ended_at": now, "ended_by": actor.user}
        if Delegation.objects.filter(pk=delegation.pk, ended_at=None).update(**ended):
            record(actor=actor, action="delegation.ended", thing=delegation, now=now)


def _may_lend(actor: Actor, *, now: datetime) -> Decision:
    if actor.user.kind != UserKind.PERSON:
        return no("A service account has no voice of its own to lend.")
    if not (decision := by_a_person(actor.via, what="lend a voice")):
        return decision
    if actor.scopes and APPROVE not in with_implied(actor.scopes):
        return no(f"This token is limited to: {', '.join(sorted(actor.scopes))}.")
    if APPROVE not in rights_anywhere(actor=actor, now=now) and not groups_of(user=actor.user, now=now):
        return no("You have no voice to lend: you hold the right “approve” nowhere, and are in no group.")
    return YES
