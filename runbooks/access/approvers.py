"""Who may approve: accounts as the policy sees them, who speaks for whom, and whom a stage means."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.access.held import TABLES, Place, lineage
from runbooks.access.rights import account_rights_on, grant_holds, is_enabled, members_now
from runbooks.domain.approval_rules import Stage
from runbooks.domain.approvals import Mandate, Someone
from runbooks.domain.rights import IMPLIED_BY
from runbooks.models import Delegation, Group, Runbook, User

APPROVE = "approve"


def someone(*, user: User, runbook: Runbook, now: datetime) -> Someone:
    return Someone(
        person=user.person_id,
        name=user.username,
        account=user.pk,
        enabled=is_enabled(user),
        principals=frozenset({f"user:{user.username}", *(f"group:{slug}" for slug in groups_of(user=user, now=now))}),
        rights=frozenset(account_rights_on(user=user, place=runbook, now=now)),
    )


def groups_of(*, user: User, now: datetime) -> list[str]:
    """Slugs of the groups that the account is in."""
    mine = Group.objects.filter(members_now(now, "memberships__"), memberships__user=user)
    return list(mine.distinct().order_by("slug").values_list("slug", flat=True))


def mandates(*, user: User, runbook: Runbook, now: datetime) -> list[Mandate]:
    """For whom somebody may speak: themselves first, then those who have named them for now."""
    by = someone(user=user, runbook=runbook, now=now)
    held = in_force(now).filter(delegate=user).select_related("delegator__owner").order_by("ends_at")
    others = [someone(user=one.delegator, runbook=runbook, now=now) for one in held]
    return [Mandate(by=by, of=by), *(Mandate(by=by, of=other) for other in others)]


def mandate(*, by: User, of: User, runbook: Runbook, now: datetime) -> Mandate:
    """Of who has spoken: as things are now, and not as they were then."""
    speaker = someone(user=by, runbook=runbook, now=now)
    if by.pk == of.pk:
        return Mandate(by=speaker, of=speaker)
    named = in_force(now).filter(delegate=by, delegator=of).exists()
    return Mandate(by=speaker, of=someone(user=of, runbook=runbook, now=now), delegated=named)


def in_force(now: datetime) -> QuerySet[Delegation]:
    return Delegation.objects.filter(ended_at=None, starts_at__lte=now, ends_at__gt=now)


def meant_by(*, stage: Stage, runbook: Runbook, now: datetime) -> list[User]:
    """The people that a stage asks, and their delegates: those who see the runbook, by name. For telling them; who
    may really approve is asked when they do."""
    voices = _named(stage.approvers, now=now) if stage.approvers else _holders(right=APPROVE, place=runbook, now=now)
    delegates = in_force(now).filter(delegator__in=voices.values("pk")).values("delegate")
    seers = _holders(right="view", place=runbook, now=now)
    found = User.objects.filter(Q(pk__in=voices.values("pk")) | Q(pk__in=delegates), disabled_at=None)
    return list(found.filter(pk__in=seers.values("pk")).select_related("owner").order_by("username"))


def _named(names: Iterable[str], *, now: datetime) -> QuerySet[User]:
    users = [name.removeprefix("user:") for name in names if name.startswith("user:")]
    groups = [name.removeprefix("group:") for name in names if name.startswith("group:")]
    in_group = members_now(now, "memberships__") & Q(memberships__group__slug__in=groups)
    return User.objects.filter(Q(username__in=users) | in_group).distinct()


def _holders(*, right: str, place: Place, now: datetime) -> QuerySet[User]:
    """Who was granted a right, themselves or in a group, on the place or above it."""
    reach = Q(pk__in=[])
    for kind, pk in lineage(place).items():
        by_user, by_group = TABLES[kind]
        wanted = Q(permission__codename__in=IMPLIED_BY[right], content_object_id=pk) & grant_holds(now)
        members = members_now(now, "group__memberships__")
        reach |= Q(pk__in=by_user.objects.filter(wanted).values("user_id"))
        reach |= Q(pk__in=by_group.objects.filter(wanted, members).values("group__memberships__user_id"))
    return User.objects.filter(reach)
