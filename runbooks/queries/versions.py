"""Versions: which one is shown, and how two differ."""

import difflib
import json
from datetime import datetime

from django.db.models import QuerySet

from runbooks.access.actors import Actor
from runbooks.access.rights import restrict_runbooks
from runbooks.domain.states import VersionState
from runbooks.domain.syntax.yaml_writing import write_yaml
from runbooks.models import Runbook, Version

WAS_PUBLISHED = (VersionState.PUBLISHED, VersionState.SUPERSEDED)


def shown_version(runbook: Runbook) -> Version | None:
    """The published one; before there is one, the newest."""
    versions = runbook.versions.select_related("author").prefetch_related("reviews__by")
    found = versions.filter(state=VersionState.PUBLISHED).first() or versions.order_by("-number").first()
    if found:
        found.runbook = runbook
    return found


def published_version(runbook: Runbook) -> Version | None:
    return runbook.versions.filter(state=VersionState.PUBLISHED).first()


def newest_version(runbook: Runbook) -> Version | None:
    return runbook.versions.order_by("-number").first()


def lineage_of(version: Version) -> QuerySet[Version]:
    """The version and those before it, back to the last that was ever published, which is not among them."""
    earlier = Version.objects.filter(runbook=version.runbook, number__lt=version.number, state__in=WAS_PUBLISHED)
    last = earlier.order_by("-number").values_list("number", flat=True).first() or 0
    lineage = Version.objects.filter(runbook=version.runbook, number__gt=last, number__lte=version.number)
    return lineage.select_related("author").order_by("number")


def open_versions(*, actor: Actor, state: VersionState, now: datetime) -> QuerySet[Version]:
    """Versions in STATE of runbooks that the actor reviews, newest first."""
    books = Runbook.objects.filter(archived_at=None, project__archived_at=None)
    books = restrict_runbooks(actor=actor, right="review", now=now, queryset=books)
    found = Version.objects.filter(state=state, runbook__in=books)
    return found.select_related("runbook__project", "author").order_by("-pk")


def proposals(*, actor: Actor, now: datetime) -> QuerySet[Version]:
    """What the actor has written that was neither published nor taken back, newest first."""
    books = restrict_runbooks(actor=actor, right="view", now=now, queryset=Runbook.objects.filter(archived_at=None))
    open_states = [VersionState.DRAFT, VersionState.IN_REVIEW, VersionState.APPROVED, VersionState.REJECTED]
    found = Version.objects.filter(author=actor.user, state__in=open_states, runbook__in=books)
    return found.select_related("runbook__project", "author").order_by("-pk")


def as_yaml(version: Version) -> str:
    """The definition in the form that people write."""
    return write_yaml(json.loads(bytes(version.manifest)))


def diff(*, old: Version, new: Version) -> str:
    """A unified diff of the two as YAML; empty where they say the same."""
    lines = difflib.unified_diff(
        as_yaml(old).splitlines(keepends=True),
        as_yaml(new).splitlines(keepends=True),
        fromfile=f"version {old.number}",
        tofile=f"version {new.number}",
    )
    return "".join(lines)
