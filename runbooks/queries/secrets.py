"""Secrets, as the actor may see them: names and dates, never values."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.rights import restrict_nodes, restrict_runbooks, restrict_secrets
from runbooks.domain.states import VersionState
from runbooks.models import Node, Project, Runbook, Secret, SecretReference


def secrets(*, actor: Actor, now: datetime, project: str = "", q: str = "", archived: bool = False) -> QuerySet[Secret]:
    found = restrict_secrets(actor=actor, right="view", now=now, queryset=Secret.objects.select_related("project"))
    found = found if archived else found.filter(archived_at=None)
    found = found.filter(project__slug=project) if project else found
    for word in q.split():
        found = found.filter(slug__icontains=word) | found.filter(title__icontains=word)
    return found


def usable_secrets(*, actor: Actor, project: Project | None = None, now: datetime) -> QuerySet[Secret]:
    """Those that the actor may name where something is signed in to: of one project, or of all."""
    there = Secret.objects.select_related("project").filter(archived_at=None)
    there = there.filter(project=project) if project else there
    found = restrict_secrets(actor=actor, right="use", now=now, queryset=there)
    return found.order_by("project__title", "project__slug", "title", "slug")


def signs_in_to(*, actor: Actor, secret: Secret, now: datetime) -> QuerySet[Node]:
    """The nodes that are signed in to by it, as far as the actor sees them."""
    named = Node.objects.filter(Q(private_key=secret) | Q(password=secret), archived_at=None)
    seen = restrict_nodes(actor=actor, right="view", now=now, queryset=named)
    return seen.select_related("project").order_by("name")


def used_by(*, actor: Actor, secrets: Sequence[Secret], now: datetime) -> dict[str, list[Runbook]]:
    """By path: the runbooks whose published version names the secret, as far as the actor sees them."""
    references = SecretReference.objects.filter(
        path__in=[secret.path for secret in secrets], version__state=VersionState.PUBLISHED
    )
    books = Runbook.objects.filter(archived_at=None).select_related("project")
    seen = {
        book.pk: book
        for book in restrict_runbooks(actor=actor, right="view", now=now, queryset=books).filter(
            pk__in=references.values("version__runbook")
        )
    }
    found: dict[str, list[Runbook]] = defaultdict(list)
    for path, pk in references.values_list("path", "version__runbook").distinct().order_by("path", "version__runbook"):
        if pk in seen:
            found[path].append(seen[pk])
    return dict(found)
