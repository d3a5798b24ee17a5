"""The inventory: which machines there are, adding some by hand or from a file."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.domain.nodes import clean_node
from runbooks.domain.policy import YES, no
from runbooks.domain.problems import Invalid
from runbooks.models import Project
from runbooks.queries.nodes import nodes as nodes_of
from runbooks.queries.nodes import running_on
from runbooks.queries.paging import page as paged
from runbooks.usecases.nodes.import_nodes import import_text
from runbooks.usecases.nodes.write import add_node, places_to_change
from runbooks.web.acting import posted, refusals_shown_in
from runbooks.web.forms.nodes import SHARED, ImportForm, NewNodeForm, NodeFilters
from runbooks.web.pages import page

NOWHERE = no("Adding nodes needs the right “review” or “administer” on a project or on the installation.")


@page
def nodes(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    form = NodeFilters(request.GET)
    asked = form.asked()
    archived = asked["state"] == "archived"
    try:
        found = nodes_of(actor=actor, q=asked["q"], archived=archived, now=now)
    except Invalid as error:
        form.add_error("q", [problem.detail for problem in error.problems])
        found = nodes_of(actor=actor, now=now).none()
    listed = paged(queryset=found, cursor=request.GET.get("cursor", ""))
    running = running_on(listed.results)
    context = {
        "form": form,
        "rows": [{"node": node, "running": running.get(node.pk, 0)} for node in listed.results],
        "count": found.count(),
        "next": listed.next,
        "is_filtered": bool(asked["q"] or archived),
        "may_add": bool(_choices(actor, now)),
    }
    return render(request, "web/nodes/nodes.html", context)


@page
def new_node(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    choices = _choices(actor, now)
    require(YES if choices else NOWHERE, action="node.created", thing=installation())
    form = NewNodeForm(posted(request), projects=choices)
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            project = _project(form.cleaned_data["project"], actor, now)
            made = add_node(actor=actor, project=project, spec=clean_node(form.described()), now=now)
            messages.success(request, _("Node %(name)s is there.") % {"name": made.path})
            return redirect("node", node_id=made.pk)
    return render(request, "web/nodes/new.html", {"form": form}, status=form.status)


@page
def import_nodes(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    choices = _choices(actor, now)
    require(YES if choices else NOWHERE, action="inventory.imported", thing=installation())
    form = ImportForm(posted(request), projects=choices)
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            project = _project(form.cleaned_data["project"], actor, now)
            done = import_text(actor=actor, project=project, text=form.cleaned_data["text"], now=now)
            messages.success(request, str(done))
            return redirect("nodes")
    return render(request, "web/nodes/import.html", {"form": form}, status=form.status)


def _choices(actor: Actor, now: datetime) -> list[tuple[str, Any]]:
    places = places_to_change(actor=actor, now=now)
    shared = [(SHARED, _("Shared: of no project"))] if None in places else []
    return [*((place.slug, place.title) for place in places if place), *shared]


def _project(slug: str, actor: Actor, now: datetime) -> Project | None:
    return fetch.project(actor=actor, slug=slug, action="node.created", now=now) if slug else None
