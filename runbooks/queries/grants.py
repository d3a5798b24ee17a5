"""Grants, as the actor may see them."""

from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, installation
from runbooks.access.rights import may, members_now, restrict_projects, restrict_runbooks, restrict_secrets
from runbooks.models import Grant, Membership, Project, Runbook, Secret

SEEING = ("grant", "audit", "administer")


def grants(*, actor: Actor, now: datetime) -> QuerySet[Grant]:
    """One's own, those that one's groups hold now, and all on the places where one may grant, audit or administer."""
    places = ("project", "runbook__project", "node__project", "secret__project")
    found = Grant.objects.select_related("user__owner", "group", *places, "granted_by")
    if any(may(actor=actor, right=right, place=installation(), now=now) for right in SEEING):
        return found
    mine = Membership.objects.filter(members_now(now), user=actor.user).values("group_id")
    reach = Q(user=actor.user) | Q(group__in=mine) & _holding(now)
    for right in SEEING:
        projects = restrict_projects(actor=actor, right=right, now=now, queryset=Project.objects.all())
        books = restrict_runbooks(actor=actor, right=right, now=now, queryset=Runbook.objects.all())
        secrets = restrict_secrets(actor=actor, right=right, now=now, queryset=Secret.objects.all())
        reach |= Q(project__in=projects.values("pk")) | Q(runbook__in=books.values("pk"))
        reach |= Q(node__project__in=projects.values("pk")) | Q(secret__in=secrets.values("pk"))
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
        secrets = Secret.objects.filter(archived_at=None).select_related("project")
        secrets = restrict_secrets(actor=actor, right=right, now=now, queryset=secrets)
        names |= {f"secret:{secret.path}" for secret in secrets[:limit]}
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
    if kind in {"runbook", "secret"} and colon:
        project, _, slug = name.partition("/")
        itself = Q(**{f"{kind}__slug": slug, f"{kind}__project__slug": project})
        return itself | Q(project__slug=project) | above
    if kind == "node" and colon:
        project, slash, node = name.rpartition("/")
        inside = Q(node__project__slug=project) if slash else Q(node__project=None)
        return inside & Q(node__name=node) | (Q(project__slug=project) if slash else Q(pk__in=[])) | above
    return (
        Q(project__slug__icontains=place)
        | Q(runbook__slug__icontains=place)
        | Q(runbook__project__slug__icontains=place)
        | Q(node__name__icontains=place)
        | Q(secret__slug__icontains=place)
        | Q(secret__project__slug__icontains=place)
    )
