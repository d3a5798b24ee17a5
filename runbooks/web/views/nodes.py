"""The inventory: which machines there are, adding some by hand or from a file."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.domain.machines.nodes import clean_node
from runbooks.domain.policy import YES, no
from runbooks.domain.problems import Invalid
from runbooks.models import Project
from runbooks.queries.nodes import hops, running_on
from runbooks.queries.nodes import nodes as nodes_of
from runbooks.queries.paging import page as paged
from runbooks.queries.secrets import usable_secrets
from runbooks.usecases.nodes.credentials import credentials
from runbooks.usecases.nodes.import_nodes import import_text
from runbooks.usecases.nodes.write import add_node, places_to_change
from runbooks.web.acting import posted, refusals_shown_in
from runbooks.web.forms.nodes import SHARED, Choices, ImportForm, NewNodeForm, NodeFilters
from runbooks.web.pages import page

Places = Sequence[Project | None]  # None stands for the shared ones
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
        "may_add": bool(places_to_change(actor=actor, now=now)),
    }
    return render(request, "web/nodes/nodes.html", context)


@page
def new_node(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    places = places_to_change(actor=actor, now=now)
    require(YES if places else NOWHERE, action="node.created", thing=installation())
    form = NewNodeForm(posted(request), offered=_offered(actor, places, now))
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            slug = form.cleaned_data["project"]
            project, spec = _project(slug, actor, now), clean_node(form.described())
            secrets = credentials(actor=actor, project=slug, given=form.sign_in(), now=now)
            made = add_node(actor=actor, project=project, spec=spec, secrets=secrets, now=now)
            messages.success(request, _("Node %(name)s is there.") % {"name": made.path})
            return redirect("node", node_id=made.pk)
    return render(request, "web/nodes/new.html", {"form": form}, status=form.status)


@page
def import_nodes(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    places = places_to_change(actor=actor, now=now)
    require(YES if places else NOWHERE, action="inventory.imported", thing=installation())
    form = ImportForm(posted(request), offered=_offered(actor, places, now))
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            project = _project(form.cleaned_data["project"], actor, now)
            slug, text = form.cleaned_data["project"], form.cleaned_data["text"]
            secrets = credentials(actor=actor, project=slug, given=form.sign_in(), now=now)
            done = import_text(actor=actor, project=project, text=text, secrets=secrets, now=now)
            messages.success(request, str(done))
            return redirect("nodes")
    return render(request, "web/nodes/import.html", {"form": form}, status=form.status)


def _offered(actor: Actor, places: Places, now: datetime) -> Choices:
    """Secrets of all projects: of a project's node it has to be one of the same, which is checked when it is named."""
    here = {place.pk for place in places if place}
    secrets = [one for one in usable_secrets(actor=actor, now=now) if None in places or one.project_id in here]
    return Choices(secrets=secrets, hops=hops(actor=actor, projects=places, now=now), projects=_named(places))


def _named(places: Places) -> list[tuple[str, Any]]:
    shared = [(SHARED, _("Shared: of no project"))] if None in places else []
    return [*((place.slug, place.title) for place in places if place), *shared]


def _project(slug: str, actor: Actor, now: datetime) -> Project | None:
    return fetch.project(actor=actor, slug=slug, action="node.created", now=now) if slug else None
