"""What Ctrl-K finds: runbooks, runs and pages, as a fragment."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from runbooks.access.actors import Actor
from runbooks.access.rights import rights_anywhere
from runbooks.queries.catalog import best_first
from runbooks.queries.runbooks import runbooks
from runbooks.queries.runs import found_by
from runbooks.web import navigation
from runbooks.web.pages import page
from runbooks.web.vocabulary import WORDS

MOST, LOOKED_AT = 6, 100


@dataclass(frozen=True)
class Entry:
    url: str
    label: str
    detail: str
    icon: str


@dataclass(frozen=True)
class Group:
    title: str
    entries: list[Entry] = field(default_factory=list)


@require_safe
@page
def palette(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    q = request.GET.get("q", "").strip()[:200]
    groups = [
        Group(_("Runbooks"), list(_runbooks(actor, q, now))),
        Group(_("Runs"), list(_runs(actor, q, now))),
        Group(_("Pages"), list(_pages(actor, q, now))),
    ]
    found = [group for group in groups if group.entries]
    return render(request, "web/parts/palette_results.html", {"groups": found})


def _runbooks(actor: Actor, q: str, now: datetime) -> Iterator[Entry]:
    newest = list(runbooks(actor=actor, q=q, now=now).order_by("-id")[:LOOKED_AT])
    for book in best_first(books=newest, q=q)[:MOST]:
        url = reverse("runbook", args=[book.project.slug, book.slug])
        yield Entry(url=url, label=book.title, detail=book.path, icon="book")


def _runs(actor: Actor, q: str, now: datetime) -> Iterator[Entry]:
    for run in found_by(actor=actor, q=q, now=now)[:MOST]:
        label = f"{run.runbook.title} · {WORDS[run.status].label}"
        detail = f"{run.requested_by.username}, {run.created_at:%Y-%m-%d %H:%M} UTC"
        yield Entry(url=reverse("run", args=[run.pk]), label=label, detail=detail, icon=WORDS[run.status].icon)


def _pages(actor: Actor, q: str, now: datetime) -> Iterator[Entry]:
    for link in navigation.links("", held=rights_anywhere(actor=actor, now=now)):
        if q.lower() in link.label.lower():
            yield Entry(url=link.url, label=link.label, detail="", icon="file-text")
