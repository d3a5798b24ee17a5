"""What the catalog tells of each runbook, for a page of them at a time."""

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery

from runbooks.access.actors import Actor
from runbooks.access.rights import restrict_runbooks
from runbooks.domain.states import VersionState
from runbooks.models import Run, Runbook, Version
from runbooks.queries.runbooks import runbooks
from runbooks.queries.runs import usual_seconds


@dataclass(frozen=True)
class Card:
    runbook: Runbook
    document: str  # Markdown of the published version; "" before there is one
    published: bool
    last_run: Run | None
    usual_seconds: float | None
    may_run: bool


@dataclass(frozen=True)
class Facets:
    """The words that the catalog can be narrowed down by, in order."""

    projects: tuple[str, ...]
    tags: tuple[str, ...]
    alerts: tuple[str, ...]


def cards(*, actor: Actor, books: Sequence[Runbook], now: datetime) -> list[Card]:
    """BOOKS are those of one page, which the actor sees."""
    ids = [book.pk for book in books]
    runnable = restrict_runbooks(actor=actor, right="run", now=now, queryset=Runbook.objects.filter(pk__in=ids))
    may_run = set(runnable.values_list("pk", flat=True))
    documents, last = _documents(ids), _last_runs(ids)
    return [
        Card(
            runbook=book,
            document=documents.get(book.pk, ""),
            published=book.pk in documents,
            last_run=last.get(book.pk),
            usual_seconds=usual_seconds(runbook=book) if book.pk in last else None,
            may_run=book.pk in may_run,
        )
        for book in books
    ]


def facets(*, actor: Actor, now: datetime) -> Facets:
    rows = list(runbooks(actor=actor, now=now).values_list("project__slug", "tags", "alerts"))
    return Facets(
        projects=_sorted(slug for slug, _, _ in rows),
        tags=_sorted(tag for _, tags, _ in rows for tag in tags),
        alerts=_sorted(alert for _, _, alerts in rows for alert in alerts),
    )


def best_first(*, books: Sequence[Runbook], q: str) -> list[Runbook]:
    """Those of a page that say what was looked for in their title come before those that say it in a script."""
    words = q.lower().split()
    return sorted(books, key=lambda book: -sum(word in f"{book.title} {book.slug}".lower() for word in words))


def _sorted(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(words), key=str.lower))


def _documents(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    published = Version.objects.filter(runbook__in=ids, state=VersionState.PUBLISHED)
    return {pk: json.loads(bytes(text)).get("doc", "") for pk, text in published.values_list("runbook_id", "manifest")}


def _last_runs(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Run]:
    newest = Run.objects.filter(runbook=OuterRef("pk")).order_by("-id").values("pk")[:1]
    found = Runbook.objects.filter(pk__in=ids).values(last=Subquery(newest))
    return {run.runbook_id: run for run in Run.objects.filter(pk__in=found).defer("plan", "parameters")}
