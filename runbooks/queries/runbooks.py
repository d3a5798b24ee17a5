"""Runbooks, as the actor may see them."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.rights import restrict_runbooks
from runbooks.models import Runbook


def runbooks(
    *, actor: Actor, now: datetime, q: str = "", project: str = "", tag: str = "", alert: str = ""
) -> QuerySet[Runbook]:
    """Q: every word of it has to occur in title, address, document, tags, alerts or scripts."""
    found = Runbook.objects.filter(archived_at=None, project__archived_at=None)
    found = restrict_runbooks(actor=actor, right="view", now=now, queryset=found)
    for word in q.lower().split():
        found = found.filter(Q(search_text__contains=word) | Q(slug__contains=word) | Q(project__slug__contains=word))
    if project:
        found = found.filter(project__slug=project)
    if tag:
        found = found.filter(search_text__contains=tag.lower(), pk__in=_with(found, "tags", tag))
    if alert:
        found = found.filter(search_text__contains=alert.lower(), pk__in=_with(found, "alerts", alert))
    return found.select_related("project")


def _with(found: QuerySet[Runbook], field: str, word: str) -> list[UUID]:
    """SQLite has no containment of JSON lists: the text has narrowed it down, the rest is looked at here."""
    rows = found.filter(search_text__contains=word.lower()).values_list("pk", field)
    return [pk for pk, words in rows if word in words]
