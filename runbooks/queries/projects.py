from datetime import datetime

from django.db.models import QuerySet

from runbooks.access.actors import Actor
from runbooks.access.rights import restrict_projects
from runbooks.models import Project


def projects(*, actor: Actor, now: datetime) -> QuerySet[Project]:
    open_ones = Project.objects.filter(archived_at=None)
    return restrict_projects(actor=actor, right="view", now=now, queryset=open_ones)
