"""Where messages go, for those who may change it and for those who audit it; secrets are in no answer."""

from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, installation
from runbooks.access.rights import may, restrict_projects, restrict_runbooks
from runbooks.models import Endpoint, Project, Runbook

SEEING = ("grant", "administer", "audit")


def endpoints(*, actor: Actor, now: datetime, archived: bool = False) -> QuerySet[Endpoint]:
    found = Endpoint.objects.select_related("project", "runbook__project", "person", "created_by")
    reach = Q(person=actor.user)
    for right in SEEING:
        if may(actor=actor, right=right, place=installation(), now=now):
            reach |= Q(person=None)
        books = restrict_runbooks(actor=actor, right=right, now=now, queryset=Runbook.objects.all())
        projects = restrict_projects(actor=actor, right=right, now=now, queryset=Project.objects.all())
        reach |= Q(runbook__in=books) | Q(project__in=projects)
    return found.filter(reach) if archived else found.filter(reach, archived_at=None)


def endpoint(*, actor: Actor, endpoint_id: str, action: str = "endpoint.read", now: datetime) -> Endpoint:
    """Raises Hidden."""
    key = as_uuid(endpoint_id)
    found = endpoints(actor=actor, now=now, archived=True).filter(pk=key).first() if key else None
    if found is None:
        raise Hidden(action=action, kind="endpoint", name=endpoint_id[:64], id=str(key or ""))
    return found
