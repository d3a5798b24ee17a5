"""The one place that decides who may do what: grants, their validity, and how rights flow down."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db.models import Model, Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.held import TABLES, Held, Place, Row, granted_rights
from runbooks.domain.policy import Decision, needs_right, no
from runbooks.domain.rights import IMPLIED_BY, with_implied
from runbooks.models import Group, Installation, Membership, Node, Project, Run, Runbook, Secret, User


def may(*, actor: Actor, right: str, place: Place, now: datetime) -> Decision:
    """Whether the actor holds RIGHT on PLACE or above it, by a grant that is valid now, within their token's scopes."""
    held = rights_on(actor=actor, place=place, now=now)
    return judged(actor=actor, right=right, held=held, place=place)


def judged(*, actor: Actor, right: str, held: set[str], place: Place) -> Decision:
    """The decision, from the rights that `rights_on` has answered."""
    if not is_enabled(actor.user):
        return no("This account is disabled.")
    if right not in held and actor.scopes and right not in with_implied(actor.scopes):
        return no(f"This token is limited to: {', '.join(sorted(actor.scopes))}.")
    return needs_right(right=right, held=held, thing=described(place))


def rights_on(*, actor: Actor, place: Place, now: datetime) -> set[str]:
    """All rights that the actor has on PLACE, granted there or above."""
    if not is_enabled(actor.user):
        return set()
    held = with_implied(_granted(actor=actor, place=place, now=now).rights)
    return held & with_implied(actor.scopes) if actor.scopes else held


def limited_by(*, actor: Actor, right: str, place: Place, now: datetime) -> frozenset[UUID]:
    """The grants that give RIGHT on PLACE, where all of them are limited; none where one is not, or there is none."""
    return _granted(actor=actor, place=place, now=now).limited.get(right, frozenset())


def _granted(*, actor: Actor, place: Place, now: datetime) -> Held:
    key = (type(place), place.pk, now)
    if key not in actor.known_rights:
        actor.known_rights[key] = granted_rights(user=actor.user, place=place, now=now)
    return actor.known_rights[key]


def account_rights_on(*, user: User, place: Place, now: datetime) -> set[str]:
    """What the account holds, whatever credential is used."""
    return with_implied(granted_rights(user=user, place=place, now=now).rights)


def is_among(*, user: User, principals: Iterable[str], now: datetime) -> bool:
    """PRINCIPALS are "user:name" and "group:slug", as definitions name them; there may be none of that name."""
    named = set(principals)
    slugs = [name.removeprefix("group:") for name in named if name.startswith("group:")]
    if not is_enabled(user):
        return False
    in_group = members_now(now) & Q(user=user, group__slug__in=slugs)
    return f"user:{user.username}" in named or Membership.objects.filter(in_group).exists()


def group_rights_on(*, group: Group, place: Place, now: datetime) -> set[str]:
    rows = TABLES[type(place)][1].objects.filter(grant_holds(now), group=group, content_object_id=place.pk)
    return set(rows.values_list("permission__codename", flat=True))


def restrict_runbooks(*, actor: Actor, right: str, now: datetime, queryset: QuerySet[Runbook]) -> QuerySet[Runbook]:
    """Only those of QUERYSET that the actor has RIGHT on."""
    return queryset.filter(_reach(actor=actor, right=right, now=now, own=(Runbook, "pk"), project="project_id"))


def restrict_runs(*, actor: Actor, right: str, now: datetime, queryset: QuerySet[Run]) -> QuerySet[Run]:
    own = (Runbook, "runbook_id")
    reach = _reach(actor=actor, right=right, now=now, own=own, project="runbook__project_id")
    return queryset.filter(reach)


def restrict_secrets(*, actor: Actor, right: str, now: datetime, queryset: QuerySet[Secret]) -> QuerySet[Secret]:
    """For seeing, also those that the actor may only use."""
    rights = (right, "use") if right == "view" else (right,)
    reaches = [_reach(actor=actor, right=one, now=now, own=(Secret, "pk"), project="project_id") for one in rights]
    return queryset.filter(reduce(or_, reaches)) if all(reaches) else queryset


def restrict_projects(*, actor: Actor, right: str, now: datetime, queryset: QuerySet[Project]) -> QuerySet[Project]:
    """Projects with RIGHT on them; for seeing, also those with a runbook that the actor sees."""
    if not _scope_allows(actor, right):
        return queryset.none()
    if _on_installation(actor=actor, right=right, now=now):
        return queryset
    reach = Q(pk__in=_ids(actor=actor, right=right, now=now, kind=Project))
    if right == "view":
        reach |= Q(runbooks__in=_ids(actor=actor, right=right, now=now, kind=Runbook))
    return queryset.filter(reach).distinct()


def restrict_nodes(*, actor: Actor, right: str, now: datetime, queryset: QuerySet[Node]) -> QuerySet[Node]:
    """Nodes with RIGHT on them; for seeing, also those that the actor may only use."""
    rights = [one for one in {right, "use" if right == "view" else right} if _scope_allows(actor, one)]
    if any(_on_installation(actor=actor, right=one, now=now) for one in rights):
        return queryset
    reach = Q(pk__in=[])
    for one in rights:
        reach |= Q(pk__in=_ids(actor=actor, right=one, now=now, kind=Node))
        reach |= Q(project_id__in=_ids(actor=actor, right=one, now=now, kind=Project))
    return queryset.filter(reach)


def holds_anywhere(*, actor: Actor, right: str, now: datetime) -> bool:
    """Whether the actor has RIGHT on anything at all."""
    if not _scope_allows(actor, right):
        return False
    return any(
        rows.filter(permission__codename__in=IMPLIED_BY[right]).exists()
        for kind in TABLES
        for rows in _valid_rows(kind=kind, user=actor.user, now=now)
    )


def rights_anywhere(*, actor: Actor, now: datetime) -> set[str]:
    """All rights that the actor has on anything at all."""
    if not is_enabled(actor.user):
        return set()
    codes = [
        rows.values_list("permission__codename")
        for kind in TABLES
        for rows in _valid_rows(kind=kind, user=actor.user, now=now)
    ]
    first, *others = codes
    held = with_implied({code for (code,) in first.union(*others)})
    return held & with_implied(actor.scopes) if actor.scopes else held


def owners_of(*, runbook: Runbook, now: datetime) -> list[User]:
    """The people who answer for a runbook: those who may both review and grant, on it or on its project."""
    held: dict[UUID, set[str]] = defaultdict(set)
    for user_id, right in _holders(runbook=runbook, rights=("review", "grant"), now=now):
        held[user_id].add(right)
    both = [user_id for user_id, rights in held.items() if len(rights) == 2]
    return list(User.objects.filter(pk__in=both, disabled_at=None).order_by("username"))


def is_enabled(user: User) -> bool:
    """A service account falls with its owner."""
    return user.disabled_at is None and (user.owner is None or user.owner.disabled_at is None)


def permission(*, right: str, kind: type[Model]) -> Permission:
    return Permission.objects.get(
        content_type__app_label="runbooks", content_type__model=kind._meta.model_name, codename=right
    )


def described(place: Place) -> str:
    if isinstance(place, Installation):
        return "the installation"
    return f"{place._meta.model_name} {place if isinstance(place, Project) else place.path}"


def members_now(now: datetime, prefix: str = "") -> Q:
    """Memberships (reached through PREFIX) that hold at NOW."""
    open_or_later = Q(**{f"{prefix}ends_at__isnull": True}) | Q(**{f"{prefix}ends_at__gt": now})
    return open_or_later & Q(**{f"{prefix}starts_at__lte": now})


def limits_by_place(
    *, actor: Actor, right: str, kind: type[Model], now: datetime
) -> Iterable[tuple[UUID | int, dict[str, Any]]]:
    """For each grant of RIGHT that reaches the actor: the place of that KIND that it is on, and its limits."""
    if not _scope_allows(actor, right):
        return []
    by_user, by_group = (
        rows.filter(permission__codename__in=IMPLIED_BY[right]).values_list("content_object_id", "grant__limits")
        for rows in _valid_rows(kind=kind, user=actor.user, now=now)
    )
    return [*by_user, *by_group]


def grant_holds(now: datetime) -> Q:
    return Q(grant__revoked_at__isnull=True) & (Q(grant__expires_at__isnull=True) | Q(grant__expires_at__gt=now))


def _valid_rows(*, kind: type[Model], user: User, now: datetime) -> tuple[QuerySet[Row], QuerySet[Row]]:
    by_user, by_group = TABLES[kind]
    valid = grant_holds(now)
    in_group = members_now(now, "group__memberships__") & Q(group__memberships__user=user)
    return by_user.objects.filter(valid, user=user), by_group.objects.filter(valid, in_group)


def _ids(*, actor: Actor, right: str, now: datetime, kind: type[Model]) -> QuerySet[Row, dict[str, Any]]:
    codes = IMPLIED_BY[right]
    by_user, by_group = (
        rows.filter(permission__codename__in=codes).values("content_object_id")
        for rows in _valid_rows(kind=kind, user=actor.user, now=now)
    )
    return by_user.union(by_group)


def _scope_allows(actor: Actor, right: str) -> bool:
    return is_enabled(actor.user) and (not actor.scopes or right in with_implied(actor.scopes))


def _on_installation(*, actor: Actor, right: str, now: datetime) -> bool:
    return any(
        rows.filter(permission__codename__in=IMPLIED_BY[right]).exists()
        for rows in _valid_rows(kind=Installation, user=actor.user, now=now)
    )


def _reach(*, actor: Actor, right: str, now: datetime, own: tuple[type[Model], str], project: str) -> Q:
    """A condition on rows that name a thing (its kind and the field) and a project by these fields."""
    kind, field = own
    if not _scope_allows(actor, right):
        return Q(pk__in=[])
    if _on_installation(actor=actor, right=right, now=now):
        return Q()
    return Q(**{f"{field}__in": _ids(actor=actor, right=right, now=now, kind=kind)}) | Q(
        **{f"{project}__in": _ids(actor=actor, right=right, now=now, kind=Project)}
    )


def _holders(*, runbook: Runbook, rights: Sequence[str], now: datetime) -> Iterable[tuple[UUID, str]]:
    """Who was granted which of RIGHTS themselves, on the runbook or its project."""
    found = []
    for kind, pk in [(Project, runbook.project_id), (Runbook, runbook.pk)]:
        by_user, by_group = TABLES[kind]
        wanted = Q(permission__codename__in=rights, content_object_id=pk) & grant_holds(now)
        members = members_now(now, "group__memberships__")
        found.append(by_user.objects.filter(wanted).values_list("user_id", "permission__codename"))
        in_groups = by_group.objects.filter(wanted, members)
        found.append(in_groups.values_list("group__memberships__user_id", "permission__codename"))
    first, *others = found
    return first.union(*others)
