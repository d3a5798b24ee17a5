"""One account: groups, grants, tokens, and switching it off and on."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation
from runbooks.access.rights import holds_anywhere, is_enabled, may
from runbooks.models import Grant, User
from runbooks.queries import grants
from runbooks.queries import people as accounts
from runbooks.usecases.people.accounts import disable, enable, may_switch
from runbooks.web.pages import page
from runbooks.web.views.access import role_of


@page
def person(request: HttpRequest, name: str, *, actor: Actor, now: datetime) -> HttpResponse:
    account = accounts.account(actor=actor, name=name, now=now)
    context = {
        "account": account,
        "enabled": is_enabled(account),
        "memberships": [{"row": row, "holds": _holds(row.ends_at, now)} for row in accounts.memberships(user=account)],
        "grants": held_by(account, actor=actor, now=now),
        "tokens": [{"token": one, "holds": _holds(one.expires_at, now)} for one in accounts.tokens_of(user=account)],
        "administers": may(actor=actor, right="administer", place=installation(), now=now).allowed,
        "may_audit": holds_anywhere(actor=actor, right="audit", now=now),
        "may_grant": bool(grants.places(actor=actor, now=now, limit=1)),
        "switch": may_switch(actor=actor, account=account, now=now),
        "owns": account.service_accounts.order_by("username"),
    }
    return render(request, "web/person.html", context)


@require_POST
@page
def switch_account(request: HttpRequest, name: str, *, actor: Actor, now: datetime) -> HttpResponse:
    off = request.POST.get("disabled") == "yes"
    account = accounts.account(actor=actor, name=name, action=f"user.{'disabled' if off else 'enabled'}", now=now)
    change = disable if off else enable
    change(actor=actor, account=account, reason=request.POST.get("reason", "")[:2000], now=now)
    done = _("%(name)s is disabled.") if off else _("%(name)s is enabled. Earlier tokens stay dead.")
    messages.success(request, done % {"name": name})
    return redirect("person", name=name)


def held_by(account: User, *, actor: Actor, now: datetime) -> list[dict[str, object]]:
    """Grants in force for an account and its groups, as far as the actor sees them."""
    seen = grants.holding_now(grants.grants(actor=actor, now=now), now)
    principal = f"user:{account.username}"
    found = grants.about(grants=seen, actor=actor, principal=principal, place="", now=now)
    return [_row(one) for one in found.order_by("-pk")[:200]]


def _row(grant: Grant) -> dict[str, object]:
    return {"grant": grant, "role": role_of(grant.rights)}


def _holds(ends_at: datetime | None, now: datetime) -> bool:
    return ends_at is None or ends_at > now
