"""Grants, as the actor may see them."""

from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, installation
from runbooks.access.rights import may, members_now, restrict_projects, restrict_runbooks
from runbooks.models import Grant, Membership, Project, Runbook

SEEING = ("grant", "audit", "administer")


def grants(*, actor: Actor, now: datetime) -> QuerySet[Grant]:
    """One's own, those that one's groups hold now, and all on the places where one may grant, audit or administer."""
    found = Grant.objects.select_related("user__owner", "group", "project", "runbook__project", "granted_by")
    if any(may(actor=actor, right=right, place=installation(), now=now) for right in SEEING):
        return found
    mine = Membership.objects.filter(members_now(now), user=actor.user).values("group_id")
    reach = Q(user=actor.user) | Q(group__in=mine) & _holding(now)
    for right in SEEING:
        projects = restrict_projects(actor=actor, right=right, now=now, queryset=Project.objects.all())
        books = restrict_runbooks(actor=actor, right=right, now=now, queryset=Runbook.objects.all())
        reach |= Q(project__in=projects.values("pk")) | Q(runbook__in=books.values("pk"))
    return found.filter(reach)


def grant(*, actor: Actor, grant_id: str, action: str = "grant.read", now: datetime) -> Grant:
    """Raises Hidden."""
    key = as_uuid(grant_id)
    found = grants(actor=actor, now=now).filter(pk=key).first() if key else None
    if found is None:
        raise Hidden(action=action, kind="grant", name=grant_id[:64], id=str(key or ""))
    return found


def holding_now(grants: QuerySet[Grant], now: datetime) -> QuerySet[Grant]:
    return grants.filter(_holding(now))


def _holding(now: datetime) -> Q:
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))


def about(*, grants: QuerySet[Grant], actor: Actor, principal: str, place: str, now: datetime) -> QuerySet[Grant]:
    """Narrowed down to whom and to what: an exact name ("user:runner", "runbook:payments/drain-worker") also finds
    what reaches it through a group, or flows down to it; other texts are looked for in names."""
    if principal:
        grants = grants.filter(_to(principal=principal, actor=actor, now=now))
    return grants.filter(_on(place)) if place else grants


def places(*, actor: Actor, now: datetime, limit: int = 500) -> list[str]:
    """Names of the places where the actor may grant."""
    names: set[str] = set()
    for right in ("grant", "administer"):
        projects = restrict_projects(
            actor=actor, right=right, now=now, queryset=Project.objects.filter(archived_at=None)
        )
        books = Runbook.objects.filter(archived_at=None).select_related("project")
        books = restrict_runbooks(actor=actor, right=right, now=now, queryset=books)
        names |= {f"project:{project.slug}" for project in projects[:limit]}
        names |= {f"runbook:{book.path}" for book in books[:limit]}
        if may(actor=actor, right=right, place=installation(), now=now):
            names.add("installation")
    return sorted(names)[:limit]


def _to(*, principal: str, actor: Actor, now: datetime) -> Q:
    kind, colon, name = principal.partition(":")
    if kind == "group" and colon:
        return Q(group__slug=name)
    if kind == "user" and colon:
        reach = Q(user__username=name)
        if name == actor.name or any(
            may(actor=actor, right=right, place=installation(), now=now) for right in ("audit", "administer")
        ):
            reach |= Q(group__in=Membership.objects.filter(members_now(now), user__username=name).values("group_id"))
        return reach
    return Q(user__username__icontains=principal) | Q(group__slug__icontains=principal)


def _on(place: str) -> Q:
    kind, colon, name = place.partition(":")
    above = Q(installation__isnull=False)
    if place == "installation":
        return above
    if kind == "project" and colon:
        return Q(project__slug=name) | above
    if kind == "runbook" and colon:
        project, _, slug = name.partition("/")
        return Q(runbook__slug=slug, runbook__project__slug=project) | Q(project__slug=project) | above
    return (
        Q(project__slug__icontains=place)
        | Q(runbook__slug__icontains=place)
        | Q(runbook__project__slug__icontains=place)
    )
