"""Who answers for a place, and who audits it: the people that messages about it are for."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Model, Q

from runbooks.access.held import TABLES, Place, lineage
from runbooks.access.rights import account_rights_on, is_enabled, members_now, owners_of
from runbooks.models import Group, Installation, Project, Runbook, User, UserKind


def owners_at(*, place: Place, now: datetime) -> list[User]:
    """Of a runbook or a project those who review and grant; of the installation its administrators."""
    if isinstance(place, Runbook):
        return owners_of(runbook=place, now=now)
    if isinstance(place, Project):
        return _holding(rights=("review", "grant"), at={Project: place.pk}, now=now)
    return _holding(rights=("administer",), at={Installation: lineage(place)[Installation]}, now=now)


def auditors_at(*, place: Place, now: datetime) -> list[User]:
    """Those who hold `audit` there or above."""
    return _holding(rights=("audit",), at=lineage(place), now=now)


def members_of(*, group: Group, now: datetime) -> list[User]:
    return list(
        User.objects.filter(members_now(now, "memberships__"), memberships__group=group, kind=UserKind.PERSON)
        .distinct()
        .order_by("username")
    )


def who_see(*, people: Iterable[User], place: Place, now: datetime) -> list[User]:
    """Those of PEOPLE who are enabled and may know of what happens at PLACE."""
    return [one for one in people if is_enabled(one) and "view" in account_rights_on(user=one, place=place, now=now)]


def _holding(*, rights: tuple[str, ...], at: dict[type[Model], UUID | int], now: datetime) -> list[User]:
    held: dict[UUID, set[str]] = defaultdict(set)
    holds = Q(grant__revoked_at=None) & (Q(grant__expires_at=None) | Q(grant__expires_at__gt=now))
    for kind, pk in at.items():
        by_user, by_group = TABLES[kind]
        wanted = holds & Q(permission__codename__in=rights, content_object_id=pk)
        rows = by_user.objects.filter(wanted).values_list("user_id", "permission__codename")
        grouped = by_group.objects.filter(wanted & members_now(now, "group__memberships__"))
        for user_id, right in [*rows, *grouped.values_list("group__memberships__user_id", "permission__codename")]:
            held[user_id].add(right)
    all_of_them = [user_id for user_id, found in held.items() if len(found) == len(rights)]
    people = User.objects.filter(pk__in=all_of_them, disabled_at=None, kind=UserKind.PERSON)
    return list(people.order_by("username"))
