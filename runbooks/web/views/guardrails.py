"""What binds everybody: freezes, kill switches of projects and runbooks, and the reviews after a glass was broken."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.domain.policy import YES, no
from runbooks.domain.problems import Problem
from runbooks.domain.weekly import weekly_of
from runbooks.models import BreakGlassReview, Freeze, Installation
from runbooks.queries import guardrails as found
from runbooks.usecases.guardrails.break_glass import close, may_close
from runbooks.usecases.guardrails.check import frozen_of
from runbooks.usecases.guardrails.freeze import freeze, lift
from runbooks.usecases.guardrails.places import guarded_place, may_guard, places_to_guard
from runbooks.usecases.guardrails.stop import switch
from runbooks.web.acting import ActForm, posted, refusals_shown_in
from runbooks.web.forms.limits import WeeklyFields, limit_field
from runbooks.web.lasting import FOREVER, Lasting, Moment
from runbooks.web.pages import page

MOST = 100
PAST = 20
NOWHERE = no("This needs the right “review” or “administer” on something, and you hold neither anywhere.")


class FreezeForm(Lasting, WeeklyFields, ActForm):
    pointers: ClassVar[dict[str, str]] = {"ends_at": "until"}
    field_order = (
        "object", "reason", "starts_at", "lasts", "until", "limit_days", "limit_from", "limit_to", "limit_zone",
    )  # fmt: skip

    object = forms.CharField(
        label=gettext_lazy("Of what"),
        max_length=200,
        widget=forms.TextInput(attrs={"list": "places", "autocomplete": "off", "placeholder": "project:payments"}),
        help_text=gettext_lazy("A runbook, a project with all its runbooks, or the installation with everything."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Everybody who is stopped by it reads this."),
    )
    starts_at = Moment(label=gettext_lazy("From"), help_text=gettext_lazy("UTC. Left empty: from now on."))

    def field_of(self, problem: Problem) -> str | None:
        return limit_field(problem.pointer) or super().field_of(problem)


class SwitchForm(ActForm):
    object = forms.CharField(
        label=gettext_lazy("Of what"),
        max_length=200,
        widget=forms.TextInput(attrs={"list": "places", "autocomplete": "off", "placeholder": "runbook:payments/…"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=2000, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    accepts = forms.ChoiceField(
        label=gettext_lazy("New runs and further steps"),
        choices=[("no", gettext_lazy("Stop them")), ("yes", gettext_lazy("Let them start again"))],
        widget=forms.RadioSelect,
        initial="no",
    )


@page
def guardrails(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    freezes = found.freezes(actor=actor, now=now).order_by("-starts_at")
    reviews = found.reviews(actor=actor, now=now).order_by("-opened_at")
    open_ones = found.open_freezes(freezes, now=now)
    places = places_to_guard(actor=actor, now=now)
    context = {
        "freezes": _freeze_rows(open_ones[:MOST], actor=actor, now=now),
        "past": _freeze_rows(freezes.exclude(pk__in=open_ones.values("pk"))[:PAST], actor=actor, now=now),
        "stopped": found.stopped(actor=actor, now=now),
        "open_reviews": _review_rows(reviews.filter(closed_at=None)[:MOST], actor=actor, now=now),
        "closed_reviews": reviews.exclude(closed_at=None)[:PAST],
        "places": places,
        "may_guard": YES if places else NOWHERE,
        "switch": SwitchForm(),
    }
    return render(request, "web/guardrails/guardrails.html", context)


@page
def new_freeze(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    places = places_to_guard(actor=actor, now=now)
    require(YES if places else NOWHERE, action="freeze.created", thing=installation())
    initial = {"object": request.GET.get("object", ""), "lasts": FOREVER}
    form = FreezeForm(posted(request), initial=initial)
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            _frozen(form=form, actor=actor, now=now)
            messages.success(request, _("Frozen. Whoever is stopped by it reads the reason and until when it holds."))
            return redirect("guardrails")
    context = {"form": form, "places": places}
    return render(request, "web/guardrails/new_freeze.html", context, status=form.status)


@require_POST
@page
def lift_freeze(request: HttpRequest, freeze_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    one = found.freeze(actor=actor, freeze_id=freeze_id, action="freeze.lifted", now=now)
    lift(actor=actor, freeze=one, reason=request.POST.get("reason", "")[:2000], now=now)
    messages.success(request, _("Lifted. Runs start again from now on."))
    return redirect("guardrails")


@require_POST
@page
def switch_place(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    """The kill switch of a project or a runbook."""
    text, accepts = request.POST.get("object", "")[:200], request.POST.get("accepts") == "yes"
    place = guarded_place(actor=actor, text=text, action="kill_switch.set", now=now)
    switch(actor=actor, place=place, accepts=accepts, reason=request.POST.get("reason", ""), now=now)
    said = _("Runs of %(what)s start again.") if accepts else _("No run of %(what)s starts, and no further step.")
    messages.success(request, said % {"what": text})
    return redirect("guardrails")


@require_POST
@page
def close_review(request: HttpRequest, review_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    one = found.review(actor=actor, review_id=review_id, now=now)
    close(actor=actor, review=one, comment=request.POST.get("comment", ""), now=now)
    messages.success(request, _("Closed."))
    return redirect("guardrails")


def _frozen(*, form: FreezeForm, actor: Actor, now: datetime) -> Freeze:
    asked = form.cleaned_data
    place = guarded_place(actor=actor, text=asked["object"], action="freeze.created", now=now)
    return freeze(
        actor=actor,
        place=place,
        reason=asked["reason"],
        starts_at=asked["starts_at"],
        ends_at=form.ends_at(asked["starts_at"] or now),
        weekly=form.weekly(),
        now=now,
    )


def _freeze_rows(freezes: Iterable[Freeze], *, actor: Actor, now: datetime) -> list[dict[str, object]]:
    return [
        {
            "freeze": one,
            "hours": weekly_of(one.weekly).words() if one.weekly is not None else "",
            "in_force": one.lifted_at is None and frozen_of(one).holds(now),
            "lift": may_guard(actor=actor, place=one.place or Installation(pk=1), now=now),
        }
        for one in freezes
    ]


def _review_rows(reviews: Iterable[BreakGlassReview], *, actor: Actor, now: datetime) -> list[dict[str, object]]:
    return [{"review": one, "close": may_close(actor=actor, review=one, now=now)} for one in reviews]
