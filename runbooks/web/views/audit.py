"""The log: who did what, when, from where, and what came of it."""

import json
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation
from runbooks.audit.reads import record_read
from runbooks.audit.record import OUTCOMES
from runbooks.queries.audit import Filters, event, events
from runbooks.queries.paging import page as paged
from runbooks.web.lasting import Moment
from runbooks.web.pages import page


class AuditFilters(forms.Form):
    q = forms.CharField(
        label=_("Words"),
        required=False,
        widget=forms.SearchInput(attrs={"placeholder": _("in names and actions, such as run.requested")}),
    )
    actor = forms.CharField(label=_("Who"), required=False)
    action = forms.CharField(label=_("Action"), required=False)
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("Any")), *((one, one) for one in OUTCOMES)]
    )
    since = Moment(label=_("From (UTC)"))
    until = Moment(label=_("To (UTC)"))
    object = forms.CharField(label=_("Object's id"), required=False)

    def add_prefix(self, field_name: str) -> str:
        """`from` is a word of Python's own."""
        return {"since": "from", "until": "to"}.get(field_name, field_name)


@page
def audit(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    form = AuditFilters(request.GET)
    form.is_valid()
    wanted = {name: value for name, value in form.cleaned_data.items() if value}
    found = events(actor=actor, filters=Filters(**wanted), now=now)
    listed = paged(queryset=found, cursor=request.GET.get("cursor", ""), key="seq")
    record_read(actor=actor, action="audit.read", thing=installation(), now=now)
    context = {"filters": form, "events": listed.results, "next": listed.next}
    return render(request, "web/audit.html", context)


@page
def audit_event(request: HttpRequest, seq: int, *, actor: Actor, now: datetime) -> HttpResponse:
    found = event(actor=actor, seq=seq, now=now)
    record_read(actor=actor, action="audit.read", thing=installation(), now=now)
    body: dict[str, Any] = json.loads(bytes(found.body))
    context = {"event": found, "body": body, "seq": seq, "details": _lines(body["details"])}
    return render(request, "web/audit_event.html", context)


def _lines(details: dict[str, Any]) -> list[tuple[str, str]]:
    """Each detail with its value: text as it is, all else as JSON."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))
        for name, value in details.items()
    ]
