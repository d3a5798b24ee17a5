"""Grants, as the actor may see them."""

from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, installation
from runbooks.access.rights import may, members_now, restrict_projects, restrict_runbooks
from runbooks.models import Grant, Membership, Project, Runbook

SEEING = ("grant", "audit", "administer")


def grants(*, actor: Actor, now: datetime) -> QuerySet[Grant]:
    """One's own and one's groups', and all on the places where one may grant, audit or administer."""
    found = Grant.objects.select_related("user__owner", "group", "project", "runbook__project", "granted_by")
    if any(may(actor=actor, right=right, place=installation(), now=now) for right in SEEING):
        return found
    mine = Membership.objects.filter(members_now(now), user=actor.user).values("group_id")
    reach = Q(user=actor.user) | Q(group__in=mine)
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
    return grants.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
