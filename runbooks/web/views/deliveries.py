"""What people were told by mail, and what became of it."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.access.rights import may
from runbooks.audit.reads import record_read
from runbooks.domain.policy import unless
from runbooks.queries import deliveries as sent
from runbooks.queries.paging import page as paged
from runbooks.usecases.notifications.duty import may_replay
from runbooks.usecases.notifications.replay import replay, why_not_again
from runbooks.web.pages import page

STATE_WORDS = {
    "delivered": _("Delivered"),
    "waiting": _("Waiting"),
    "held": _("Kept for a digest"),
    "given_up": _("Given up"),
}


class DeliveryFilters(forms.Form):
    recipient = forms.CharField(
        label=_("To"),
        required=False,
        widget=forms.SearchInput(attrs={"placeholder": _("user name or address")}),
    )
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("Any")), *((key, word) for key, word in STATE_WORDS.items())]
    )


@page
def deliveries(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    wanted = {name: request.GET.get(name, "").strip() for name in ("recipient", "state")}
    found = sent.deliveries(actor=actor, now=now, **wanted)
    listed = paged(queryset=found, cursor=request.GET.get("cursor", ""))
    administers = may(actor=actor, right="administer", place=installation(), now=now)
    context = {
        "filters": DeliveryFilters(wanted),
        "deliveries": listed.results,
        "next": listed.next,
        "administers": administers,
    }
    return render(request, "web/deliveries.html", context)


@page
def delivery(request: HttpRequest, delivery_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = sent.delivery(actor=actor, delivery_id=delivery_id, now=now)
    text = sent.may_read_text(actor=actor, delivery=found, now=now)
    require(text, action="notification.read", thing=found)
    if found.recipient_id != actor.user.pk:
        record_read(actor=actor, action="notification.read", thing=found, now=now)
    allowed = may_replay(actor=actor, delivery=found, now=now) & unless(why_not_again(found))
    context = {"delivery": found, "tries": found.tries.all(), "replay": allowed}
    return render(request, "web/delivery.html", context)


@require_POST
@page
def replay_delivery(request: HttpRequest, delivery_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = sent.delivery(actor=actor, delivery_id=delivery_id, action="notification.replayed", now=now)
    replay(actor=actor, delivery=found, now=now)
    messages.success(request, _("It is on its way again."))
    return redirect("deliveries")
