"""How the installation is doing, and the switch that stops new runs."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require_right
from runbooks.domain.problems import Invalid, Problem
from runbooks.queries.health import health
from runbooks.usecases.installation.kill_switch import set_accepts_runs
from runbooks.web.pages import page


@page
def admin(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    require_right(actor=actor, right="administer", place=installation(), action="installation.read", now=now)
    return render(request, "web/admin.html", {"health": health(now=now)})


@require_POST
@page
def kill_switch(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    accepts = request.POST.get("accepts") == "yes"
    reason = request.POST.get("reason", "").strip()[:2000]
    require_right(actor=actor, right="administer", place=installation(), action="kill_switch.set", now=now)
    if not reason:
        raise Invalid([Problem("/reason", "required", _("Say why: everybody who is stopped by it will ask."))])
    set_accepts_runs(actor=actor, accepts=accepts, reason=reason, now=now)
    messages.success(
        request, _("Runs start again.") if accepts else _("No new run starts until you switch it on again.")
    )
    return redirect("admin")
