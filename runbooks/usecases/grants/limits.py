"""What a grant is limited to, and that nobody hands on more than they hold."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.held import Place
from runbooks.access.rights import limited_by, rights_on
from runbooks.domain.limits import Limits, limits_of
from runbooks.domain.limits_problems import limits_problems
from runbooks.domain.narrowness import wider_than
from runbooks.domain.policy import YES, Decision, no
from runbooks.domain.problems import Invalid
from runbooks.models import Grant

LIMITED = ("run", "use")


def checked_limits(limits: Mapping[str, object], *, rights: Sequence[str]) -> dict[str, object]:
    """Raises Invalid."""
    if problems := list(limits_problems(limits, rights=rights)):
        raise Invalid(problems)
    return dict(limits)


def no_wider(
    *,
    actor: Actor,
    place: Place,
    rights: Sequence[str],
    limits: Mapping[str, object],
    expires_at: datetime | None,
    now: datetime,
) -> Decision:
    """Who holds a right with limits only hands it on with limits that are at least as strict, and no longer."""
    if "administer" in rights_on(actor=actor, place=place, now=now):
        return YES
    decision = YES
    for right in LIMITED:
        if right in rights:
            keys = limited_by(actor=actor, right=right, place=place, now=now)
            decision = decision & _within_one(
                right, limits_of(limits), expires_at, list(Grant.objects.in_bulk(keys).values())
            )
    return decision


def _within_one(right: str, limits: Limits, expires_at: datetime | None, own: Sequence[Grant]) -> Decision:
    wider = [_wider(right, limits, expires_at, grant) for grant in own]
    if not own or not all(wider):
        return YES
    least = min(wider, key=len)
    return no(
        f"You hold “{right}” only with limits, and can hand it on with the same limits or stricter ones only. Wider "
        f"would be: {', '.join(least)}."
    )


def _wider(right: str, limits: Limits, expires_at: datetime | None, grant: Grant) -> list[str]:
    own = limits_of(grant.limits)
    found = wider_than(limits, own if right == "run" else Limits(nodes=own.nodes))
    if grant.expires_at and (expires_at is None or expires_at > grant.expires_at):
        found.append(f"the end (yours is {grant.expires_at:%Y-%m-%d %H:%M} UTC)")
    return found
