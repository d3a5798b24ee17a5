"""Where messages go: a new endpoint, its changes, a test, its end. Secrets go in only."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from runbooks.access.actors import Actor
from runbooks.domain.notices import EVENTS
from runbooks.domain.policy import unless
from runbooks.models import Endpoint, EndpointKind
from runbooks.queries import endpoints as known
from runbooks.queries.deliveries import deliveries
from runbooks.queries.grants import places
from runbooks.queries.paging import page as paged
from runbooks.usecases.notifications.choose import choose
from runbooks.usecases.notifications.duty import may_change
from runbooks.usecases.notifications.endpoints import archive_endpoint, change_endpoint, create_endpoint, try_endpoint
from runbooks.web.acting import posted, refusals_shown_in
from runbooks.web.forms.notifications import EndpointForm, NewEndpointForm
from runbooks.web.pages import page
from runbooks.web.views.me import choice_form, shown_me

ENDED = "It is archived."
SUGGESTED = ["failed", "timed_out", "lost"]
NOT_OF_PLACES = ("node:", "secret:")


@page
def endpoints(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    listed = paged(queryset=known.endpoints(actor=actor, now=now), cursor=request.GET.get("cursor", ""))
    rows = [{"endpoint": one, "events": _titles(one)} for one in listed.results]
    context = {"rows": rows, "next": listed.next}
    return render(request, "web/notifications/endpoints.html", context)


@page
def new_endpoint(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    choices = [*_choices(actor, now), ("me", _("Whatever I am told: a way of my own"))]
    asked = {"place": request.GET.get("place", ""), "kind": EndpointKind.WEBHOOK, "events": SUGGESTED}
    form = NewEndpointForm(posted(request), places=choices, initial=asked)
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            made, secret = create_endpoint(actor=actor, now=now, **form.chosen())
            messages.success(request, _("Endpoint %(name)s is there. Try it.") % {"name": made.slug})
            return _once(request, made, secret, actor=actor, now=now) if secret else redirect("endpoint", made.pk)
    return render(request, "web/notifications/new.html", {"form": form}, status=form.status)


@page
def endpoint(request: HttpRequest, endpoint_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """A POST changes it."""
    action = "endpoint.changed" if request.method == "POST" else "endpoint.read"
    found = known.endpoint(actor=actor, endpoint_id=endpoint_id, action=action, now=now)
    form = _form(request, found)
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            given = {name: value for name, value in form.cleaned_data.items() if value or name == "events"}
            change_endpoint(actor=actor, endpoint=found, now=now, **given)
            messages.success(request, _("It counts from the next message on."))
            return redirect("endpoint", found.pk)
    return _shown(request, found, form, actor=actor, now=now)


@require_POST
@page
def try_it(request: HttpRequest, endpoint_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = known.endpoint(actor=actor, endpoint_id=endpoint_id, action="endpoint.tried", now=now)
    made = try_endpoint(actor=actor, endpoint=found, now=now)
    messages.success(request, _("A test message is on its way; load this page again to see what became of it."))
    return redirect("delivery", made.pk)


@require_POST
@page
def archive(request: HttpRequest, endpoint_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = known.endpoint(actor=actor, endpoint_id=endpoint_id, action="endpoint.archived", now=now)
    archive_endpoint(actor=actor, endpoint=found, now=now)
    messages.success(request, _("%(name)s is archived, its secret destroyed.") % {"name": found.slug})
    return redirect("endpoints")


@require_POST
@page
def choose_mine(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    form = choice_form(actor, request)
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            choose(actor=actor, now=now, **form.cleaned_data)
            messages.success(request, _("You are told so from now on."))
            return redirect("me")
    return shown_me(request, choice=form, actor=actor, now=now)


def _once(request: HttpRequest, made: Endpoint, secret: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """The answer itself shows the secret: it is kept nowhere from which a later page could take it."""
    answer = _shown(request, made, _form(None, made), actor=actor, now=now, issued=secret)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _form(request: HttpRequest | None, found: Endpoint) -> EndpointForm:
    initial = {"title": found.title, "events": found.events}
    data = posted(request) if request else None
    return EndpointForm(data, kind=found.kind, of_person=bool(found.person_id), initial=initial)


def _shown(
    request: HttpRequest, found: Endpoint, form: EndpointForm, *, actor: Actor, now: datetime, issued: str = ""
) -> HttpResponse:
    change = may_change(actor=actor, endpoint=found, now=now) & unless(ENDED if found.archived_at else None)
    context = {
        "endpoint": found,
        "events": _titles(found),
        "form": form,
        "change": change,
        "tryable": found.kind != EndpointKind.PEOPLE,
        "issued": issued,
        "deliveries": deliveries(actor=actor, endpoint=str(found.pk), now=now).order_by("-pk")[:10],
    }
    return render(request, "web/notifications/endpoint.html", context, status=form.status)


def _choices(actor: Actor, now: datetime) -> list[tuple[str, str]]:
    names = [name for name in places(actor=actor, now=now) if not name.startswith(NOT_OF_PLACES)]
    return [(name, name) for name in names]


def _titles(found: Endpoint) -> list[str]:
    return [EVENTS[name].title for name in found.events if name in EVENTS]
