"""All runs that one may see, newest first."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runbooks.access.actors import Actor
from runbooks.queries.paging import page as page_of
from runbooks.queries.runs import runs as runs_of
from runbooks.web.forms.filters import RunFilters
from runbooks.web.pages import page


@require_safe
@page
def runs(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    form = RunFilters(request.GET)
    asked = form.asked()
    mine = actor.name if asked.pop("mine") else ""
    queryset = runs_of(actor=actor, now=now, requested_by=mine, **asked).defer("plan").prefetch_related(None)
    found = page_of(queryset=queryset, cursor=request.GET.get("cursor", ""))
    context = {
        "form": form,
        "runs": found.results,
        "next": found.next,
        "is_filtered": bool(mine) or any(asked.values()),
    }
    return render(request, "web/runs.html", context)
