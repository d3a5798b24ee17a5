"""The home page: find what to do."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation
from runbooks.access.rights import holds_anywhere, may
from runbooks.queries.catalog import best_first, cards, facets
from runbooks.queries.paging import page as page_of
from runbooks.queries.runbooks import runbooks
from runbooks.queries.runs import runs
from runbooks.web.forms.filters import CatalogFilters
from runbooks.web.pages import page

CARDS = 24
SHORT = 5  # rows of the small lists beside the cards


@require_safe
@page
def catalog(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    form = CatalogFilters(request.GET, facets=facets(actor=actor, now=now))
    asked = form.asked()
    found = page_of(queryset=runbooks(actor=actor, now=now, **asked), cursor=request.GET.get("cursor", ""), size=CARDS)
    context = {
        "form": form,
        "is_filtered": any(asked.values()),
        "cards": cards(actor=actor, books=best_first(books=found.results, q=asked["q"]), now=now),
        "next": found.next,
        "open_runs": runs(actor=actor, now=now, status="open")
        .defer("plan")
        .prefetch_related(None)
        .order_by("-id")[: SHORT + 1],
        "my_runs": runs(actor=actor, now=now, requested_by=actor.name)
        .defer("plan")
        .prefetch_related(None)
        .order_by("-id")[:SHORT],
        "may_write": holds_anywhere(actor=actor, right="edit", now=now),
        "may_found": may(actor=actor, right="administer", place=installation(), now=now),
    }
    return render(request, "web/catalog.html", context)
