"""Secrets: names and dates, a new one, a new value, an end. Never a value."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.access.rights import may, restrict_projects
from runbooks.domain.policy import YES, no, unless
from runbooks.models import Project
from runbooks.queries.paging import page as paged
from runbooks.queries.secrets import secrets as secrets_of
from runbooks.queries.secrets import signs_in_to, used_by
from runbooks.usecases.secrets.change import archive, rotate
from runbooks.usecases.secrets.create import create_secret
from runbooks.web.acting import posted, refusals_shown_in
from runbooks.web.forms.secrets import NewSecretForm, RotateForm, SecretFilters
from runbooks.web.pages import page

NOWHERE = no("Making secrets needs the right “use” on a project.")
NODES_NAMED = 20  # of more only the number
ENDED = "It is archived: its value is destroyed."


@page
def secrets(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    q = request.GET.get("q", "").strip()
    archived = request.GET.get("state") == "all"
    found = secrets_of(actor=actor, q=q, archived=archived, now=now)
    listed = paged(queryset=found, cursor=request.GET.get("cursor", ""))
    users = used_by(actor=actor, secrets=listed.results, now=now)
    context = {
        "rows": [{"secret": one, "books": users.get(one.path, [])} for one in listed.results],
        "next": listed.next,
        "form": SecretFilters(request.GET),
        "is_filtered": bool(q or archived),
        "may_add": bool(_choices(actor, now)),
    }
    return render(request, "web/secrets/secrets.html", context)


@page
def new_secret(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    choices = _choices(actor, now)
    require(YES if choices else NOWHERE, action="secret.created", thing=installation())
    form = NewSecretForm(posted(request), projects=choices)
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            made = create_secret(actor=actor, now=now, **form.cleaned_data)
            messages.success(request, _("Secret %(name)s is there.") % {"name": made.path})
            return redirect("secret", project=made.project.slug, slug=made.slug)
    return render(request, "web/secrets/new.html", {"form": form}, status=form.status)


@page
def secret(request: HttpRequest, project: str, slug: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """A POST gives it a new value."""
    action = "secret.rotated" if request.method == "POST" else "secret.read"
    found = fetch.secret(actor=actor, path=f"{project}/{slug}", action=action, now=now)
    form = RotateForm(posted(request))
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            rotate(actor=actor, secret=found, value=form.cleaned_data["value"], now=now)
            messages.success(request, _("The new value counts from the next step on."))
            return redirect("secret", project=project, slug=slug)
    change = may(actor=actor, right="use", place=found, now=now) & unless(ENDED if found.archived_at else None)
    nodes = signs_in_to(actor=actor, secret=found, now=now)
    context = {
        "secret": found,
        "nodes": nodes[:NODES_NAMED],
        "more_nodes": max(0, nodes.count() - NODES_NAMED),
        "form": form,
        "change": change,
        "books": used_by(actor=actor, secrets=[found], now=now).get(found.path, []),
        "values": found.values.select_related("set_by").order_by("-number")[:20],
    }
    return render(request, "web/secrets/secret.html", context, status=form.status)


@require_POST
@page
def archive_secret(request: HttpRequest, project: str, slug: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = fetch.secret(actor=actor, path=f"{project}/{slug}", action="secret.archived", now=now)
    archive(actor=actor, secret=found, now=now)
    messages.success(request, _("%(name)s is archived, its value destroyed.") % {"name": found.path})
    return redirect("secret", project=project, slug=slug)


def _choices(actor: Actor, now: datetime) -> list[tuple[str, str]]:
    places = Project.objects.filter(archived_at=None)
    places = restrict_projects(actor=actor, right="use", now=now, queryset=places).order_by("title")
    return [(place.slug, place.title) for place in places]
