"""What waits for somebody's yes: mine, my team's, past; and who may say it in my place."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.domain.problems import Invalid
from runbooks.domain.states import RunStatus
from runbooks.queries.approvals import delegation, delegations, past, waiting
from runbooks.queries.paging import page as page_of
from runbooks.usecases.approvals.delegate import delegate, take_back
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.approve import decide
from runbooks.web.acting import ActForm, refusals_shown_in
from runbooks.web.approval_view import shown
from runbooks.web.pages import page

MOST = 50
ENDS = {"1d": timedelta(days=1), "3d": timedelta(days=3), "7d": timedelta(days=7), "14d": timedelta(days=14)}


class DelegateForm(ActForm):
    pointers: ClassVar[Mapping[str, str]] = {"ends_at": "lasts"}
    delegate = forms.CharField(
        label=gettext_lazy("Who"), max_length=64, help_text=gettext_lazy("Their username."), widget=forms.TextInput
    )
    lasts = forms.ChoiceField(
        label=gettext_lazy("For how long"),
        choices=[
            ("1d", gettext_lazy("one day")),
            ("3d", gettext_lazy("three days")),
            ("7d", gettext_lazy("a week")),
            ("14d", gettext_lazy("two weeks")),
        ],
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)


@require_safe
@page
def approvals(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    return _inbox(request, form=DelegateForm(), actor=actor, now=now)


@require_safe
@page
def past_approvals(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    found = page_of(queryset=past(actor=actor, now=now), cursor=request.GET.get("cursor", ""), size=MOST)
    return render(request, "web/approvals_past.html", {"requests": found.results, "next": found.next})


@require_POST
@page
def run_approval(request: HttpRequest, run_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """A verdict on the plan whose hash the page has shown."""
    found = fetch.run(actor=actor, run_id=run_id, action="run.approval_given", now=now)
    said = {"verdict": "verdict", "comment": "comment", "digest": "plan_hash"}
    try:
        given = {name: request.POST.get(field, "") for name, field in said.items()}
        decide(actor=actor, run=found, now=now, **given)
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except Conflict as conflict:
        messages.error(request, str(conflict))
    else:
        found.refresh_from_db(fields=["status"])
        messages.success(request, _told(found.status))
    return redirect("approvals") if "inbox" in request.POST else redirect("run", run_id=found.pk)


@require_http_methods(["POST"])
@page
def new_delegation(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    form = DelegateForm(request.POST)
    if form.is_valid():
        given, until = form.cleaned_data, now + ENDS[form.cleaned_data["lasts"]]
        with refusals_shown_in(form, actor=actor, now=now):
            delegate(actor=actor, to=given["delegate"].strip(), until=until, reason=given["reason"], now=now)
            messages.success(request, _("They may approve in your place until then."))
            return redirect("approvals")
    return _inbox(request, form=form, actor=actor, now=now)


@require_POST
@page
def end_delegation(request: HttpRequest, delegation_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = delegation(actor=actor, delegation_id=delegation_id, now=now)
    take_back(actor=actor, delegation=found, now=now)
    messages.success(request, _("It has ended."))
    return redirect("approvals")


def _told(status: str) -> str:
    if status == RunStatus.DENIED:
        return _("Denied: it never starts.")
    if status == RunStatus.AWAITING_APPROVAL:
        return _("Your approval is recorded. It waits for others as well.")
    return _("Approved: it starts as soon as a worker is free.")


def _inbox(request: HttpRequest, *, form: DelegateForm, actor: Actor, now: datetime) -> HttpResponse:
    found = [shown(one, actor=actor, now=now) for one in waiting(actor=actor, now=now)[:MOST]]
    lent = list(delegations(actor=actor, now=now))
    asked_by_me = {one.run.pk for one in found if one.run.requested_by.person_id == actor.user.person_id}
    mine = {one.run.pk for one in found if one.approve or one.reject}
    context = {
        "mine": [one for one in found if one.run.pk in mine],
        "asked": [one for one in found if one.run.pk in asked_by_me],
        "others": [one for one in found if one.run.pk not in mine | asked_by_me],
        "lent": [one for one in lent if one.delegator_id == actor.user.pk],
        "borrowed": [one for one in lent if one.delegate_id == actor.user.pk],
        "form": form,
    }
    return render(request, "web/approvals.html", context, status=form.status)
