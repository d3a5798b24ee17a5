"""Who may do what: the table of grants, giving one, taking one back."""

from collections.abc import Callable
from datetime import datetime
from functools import cache

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from runbooks.access.actors import Actor
from runbooks.domain.policy import Decision
from runbooks.domain.rights import ROLES
from runbooks.models import Grant
from runbooks.queries import grants
from runbooks.queries.paging import page as paged
from runbooks.usecases.grants.revoke import may_revoke, revoke
from runbooks.web.pages import page


class AccessFilters(forms.Form):
    principal = forms.CharField(
        label=gettext_lazy("Who"),
        required=False,
        widget=forms.SearchInput(attrs={"placeholder": gettext_lazy("runner, user:runner, group:payments-sre")}),
    )
    object = forms.CharField(
        label=gettext_lazy("On what"),
        required=False,
        widget=forms.SearchInput(attrs={"placeholder": gettext_lazy("project:payments")}),
    )
    state = forms.ChoiceField(
        label=gettext_lazy("Which"),
        required=False,
        choices=[("", gettext_lazy("In force now")), ("all", gettext_lazy("All, ended ones too"))],
    )


@page
def access(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    wanted = {name: request.GET.get(name, "").strip() for name in ("principal", "object", "state")}
    found = grants.grants(actor=actor, now=now).select_related("revoked_by")
    found = grants.about(grants=found, actor=actor, principal=wanted["principal"], place=wanted["object"], now=now)
    found = found if wanted["state"] == "all" else grants.holding_now(found, now)
    listed = paged(queryset=found, cursor=request.GET.get("cursor", ""))
    revocable = _revocable(actor=actor, now=now)
    context = {
        "filters": AccessFilters(wanted),
        "rows": [{"grant": one, **_described(one, now), "revoke": revocable(one)} for one in listed.results],
        "next": listed.next,
        "may_grant": bool(grants.places(actor=actor, now=now, limit=1)),
    }
    return render(request, "web/access.html", context)


@require_POST
@page
def revoke_grant(request: HttpRequest, grant_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = grants.grant(actor=actor, grant_id=grant_id, action="grant.revoked", now=now)
    revoke(actor=actor, grant=found, reason=request.POST.get("reason", "")[:2000], now=now)
    messages.success(request, _("Revoked. It holds from the next click, and for runs that have not started yet."))
    return redirect("access")


def role_of(rights: list[str]) -> str:
    """The bundle that these rights are, or ""."""
    return next((name for name, bundle in ROLES.items() if set(bundle) == set(rights)), "")


def _described(grant: Grant, now: datetime) -> dict[str, object]:
    ended = grant.expires_at is not None and grant.expires_at <= now
    state = "revoked" if grant.revoked_at else "expired" if ended else "holds"
    return {"role": role_of(grant.rights), "state": state}


def _revocable(*, actor: Actor, now: datetime) -> Callable[[Grant], Decision]:
    """Asked once per place, not once per row."""
    examples: dict[str, Grant] = {}

    @cache
    def on(place: str) -> Decision:
        return may_revoke(actor=actor, grant=examples[place], now=now)

    def decide(grant: Grant) -> Decision:
        examples.setdefault(grant.object_name, grant)
        return on(grant.object_name)

    return decide
