"""Handing out rights."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from runbooks.access.actors import Actor
from runbooks.access.fetch import NotAllowed, require
from runbooks.access.held import TABLES, Place
from runbooks.access.rights import members_now, permission, rights_on
from runbooks.audit.record import record
from runbooks.domain.policy import grant_of
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.rights import RIGHTS, RIGHTS_ON_NODES, RIGHTS_ON_SECRETS
from runbooks.models import Grant, Group, Installation, Membership, Node, Project, Runbook, Secret, User
from runbooks.usecases.grants.limits import checked_limits, no_wider


def grant(
    *,
    actor: Actor,
    principal: User | Group,
    place: Place,
    rights: Sequence[str],
    expires_at: datetime | None = None,
    limits: Mapping[str, object] | None = None,
    reason: str = "",
    now: datetime,
) -> Grant:
    """Answers the grant; the same one twice is one grant. Raises Invalid and NotAllowed."""
    rights = _checked(rights=rights, place=place, expires_at=expires_at, now=now)
    decision = grant_of(
        rights=rights,
        held=rights_on(actor=actor, place=place, now=now),
        to_oneself=includes_oneself(actor=actor, principal=principal, now=now),
    )
    limits = checked_limits(limits or {}, rights=rights)
    decision = decision & no_wider(
        actor=actor, place=place, rights=rights, limits=limits, expires_at=expires_at, now=now
    )
    require(decision, action="grant.created", thing=place)
    with transaction.atomic():
        # Of two at once the second waits here and then finds the first: else revoking one would leave the other.
        type(principal)._default_manager.select_for_update(no_key=True, of=("self",)).get(pk=principal.pk)
        same = _same(principal=principal, place=place, rights=rights, expires_at=expires_at, limits=limits)
        return same or write_grant(
            by=actor,
            principal=principal,
            place=place,
            rights=rights,
            expires_at=expires_at,
            limits=limits,
            reason=reason,
            now=now,
        )


def write_grant(
    *,
    by: Actor | None,
    principal: User | Group,
    place: Place,
    rights: Sequence[str],
    expires_at: datetime | None,
    limits: Mapping[str, object] | None = None,
    reason: str,
    now: datetime,
) -> Grant:
    """Writes the grant, its rows and its event. Asks nobody: for `grant` and for what makes a place or a demo."""
    made = Grant.objects.create(
        **_principal(principal),
        **_place(place),
        rights=list(rights),
        granted_by=by.user if by else None,
        expires_at=expires_at,
        limits=dict(limits or {}),
        reason=reason,
    )
    by_user, by_group = TABLES[type(place)]
    rows, holder = (by_user, {"user": principal}) if isinstance(principal, User) else (by_group, {"group": principal})
    for right in rights:
        row = {"permission": permission(right=right, kind=type(place)), "content_object": place, "grant": made}
        rows.objects.create(**holder, **row)
    details: dict[str, object] = {"rights": list(rights), "limits": made.limits}
    details["expires_at"] = expires_at.isoformat() if expires_at else None
    record(actor=by, action="grant.created", thing=made, reason=reason, details=details, now=now)
    return made


def includes_oneself(*, actor: Actor, principal: User | Group, now: datetime) -> bool:
    """Whether the principal is the person who acts, by any account, or a group that any of their accounts is in."""
    if isinstance(principal, User):
        return principal.person_id == actor.user.person_id
    accounts = Q(user_id=actor.user.person_id) | Q(user__owner_id=actor.user.person_id)
    return Membership.objects.filter(accounts, members_now(now), group=principal).exists()


def require_may_hand_on(*, actor: Actor, group: Group, action: str, now: datetime) -> None:
    """Changing a group counts as granting what it holds. Raises NotAllowed."""
    for held in Grant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), group=group, revoked_at=None):
        own = rights_on(actor=actor, place=held.place, now=now)
        decision = grant_of(rights=held.rights, held=own, to_oneself=False) & no_wider(
            actor=actor,
            place=held.place,
            rights=held.rights,
            limits=held.limits,
            expires_at=held.expires_at,
            now=now,
        )
        if not decision:
            why = f"The group holds {', '.join(held.rights)} on {held.object_name}."
            raise NotAllowed(action=action, thing=group, reasons=(why, *decision.reasons))


def _checked(*, rights: Sequence[str], place: Place, expires_at: datetime | None, now: datetime) -> list[str]:
    known, where = _rights_on(place)
    problems = [
        Problem(
            f"/rights/{index}", "unknown_right", f"There is no right “{right}”{where}; there are {', '.join(known)}."
        )
        for index, right in enumerate(rights)
        if right not in known
    ]
    if not rights:
        problems.append(Problem("/rights", "required", "Name at least one right."))
    if expires_at and expires_at <= now:
        problems.append(Problem("/expires_at", "in_the_past", "The grant would have ended already."))
    if problems:
        raise Invalid(problems)
    return [right for right in RIGHTS if right in rights]


def _rights_on(place: Place) -> tuple[Sequence[str], str]:
    match place:
        case Node():
            return RIGHTS_ON_NODES, " on a node"
        case Secret():
            return RIGHTS_ON_SECRETS, " on a secret"
        case _:
            return RIGHTS, ""


def _same(
    *,
    principal: User | Group,
    place: Place,
    rights: Sequence[str],
    expires_at: datetime | None,
    limits: Mapping[str, object],
) -> Grant | None:
    alike = Grant.objects.filter(**_principal(principal), **_place(place), expires_at=expires_at, revoked_at=None)
    return next((found for found in alike if found.rights == list(rights) and found.limits == limits), None)


def _principal(principal: User | Group) -> dict[str, User | Group]:
    return {"user": principal} if isinstance(principal, User) else {"group": principal}


def _place(place: Place) -> dict[str, Place]:
    match place:
        case Installation():
            return {"installation": place}
        case Project():
            return {"project": place}
        case Runbook():
            return {"runbook": place}
        case Node():
            return {"node": place}
        case Secret():
            return {"secret": place}
