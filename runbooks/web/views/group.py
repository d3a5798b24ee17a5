"""One group: who is in it, since when, until when; and what being in it brings."""

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
from runbooks.access.names import user_named
from runbooks.access.rights import holds_anywhere
from runbooks.queries import grants, people
from runbooks.usecases.people.groups import add_member, end_membership
from runbooks.web.acting import ActForm, posted, refusals_shown_in
from runbooks.web.lasting import Lasting
from runbooks.web.pages import page
from runbooks.web.views.access import role_of


class MemberForm(Lasting, ActForm):
    pointers: ClassVar[dict[str, str]] = {"ends_at": "until"}
    field_order = ("user", "lasts", "until")

    user = forms.CharField(
        label=gettext_lazy("User name"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "list": "accounts"}),
    )


@page
def group(request: HttpRequest, slug: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """A POST adds a member."""
    action = "membership.added" if request.method == "POST" else "group.read"
    found = people.group(actor=actor, slug=slug, action=action, now=now)
    form = MemberForm(posted(request), initial={"lasts": "forever"})
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            user = user_named(name=form.cleaned_data["user"], pointer="/user")
            add_member(actor=actor, group=found, user=user, ends_at=form.ends_at(now), now=now)
            messages.success(request, _("%(name)s is in the group now.") % {"name": user.username})
            return redirect("group", slug=slug)
    rows = people.members(group=found)
    held = grants.holding_now(grants.grants(actor=actor, now=now).filter(group=found), now).order_by("-pk")
    context = {
        "group": found,
        "present": [row for row in rows if row.ends_at is None or row.ends_at > now],
        "past": [row for row in rows if row.ends_at is not None and row.ends_at <= now],
        "grants": [{"grant": one, "role": role_of(one.rights)} for one in held],
        "names": [
            name.removeprefix("user:") for name in people.known_principals(actor=actor, now=now) if name[0] == "u"
        ],
        "form": form,
        "may_audit": holds_anywhere(actor=actor, right="audit", now=now),
    }
    return render(request, "web/group.html", context, status=form.status)


@require_POST
@page
def group_member_end(request: HttpRequest, slug: str, name: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = people.group(actor=actor, slug=slug, action="membership.ended", now=now)
    user = user_named(name=name, pointer="/user")
    end_membership(actor=actor, group=found, user=user, now=now)
    messages.success(request, _("%(name)s is no longer in the group.") % {"name": name})
    return redirect("group", slug=slug)
