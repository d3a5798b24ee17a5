"""One machine: how it is reached, by which keys it is known, and what ran there."""

from contextlib import suppress
from datetime import datetime

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Node
from runbooks.queries.nodes import being_looked_at, hops, host_key, step_runs_on
from runbooks.queries.secrets import usable_secrets
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.nodes.credentials import credentials
from runbooks.usecases.nodes.host_keys import accept, reject
from runbooks.usecases.nodes.look_at_key import ACTION, ask, may_look
from runbooks.usecases.nodes.maintenance import end_maintenance, set_maintenance
from runbooks.usecases.nodes.write import change_node, may_change_nodes
from runbooks.web.acting import posted, refusals_shown_in
from runbooks.web.forms.nodes import Choices, NodeForm, shown_fields
from runbooks.web.lasting import Lasting
from runbooks.web.pages import page


class MaintenanceForm(Lasting):
    field_order = ("reason", "lasts", "until")

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Everybody whose run is kept from there reads this."),
    )


VERDICTS = {"accept": accept, "reject": reject}


@page
def node(request: HttpRequest, node_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """A POST changes it, if it is still as the form showed it."""
    action = "node.changed" if request.method == "POST" else "node.read"
    found = fetch.node(actor=actor, node_id=node_id, action=action, now=now)
    form = NodeForm(posted(request), initial=shown_fields(found), offered=_offered(actor, found, now))
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            changes = {"host": found.name, **form.described()}
            of = found.project.slug if found.project else ""
            secrets = credentials(actor=actor, project=of, given=form.sign_in(), now=now)
            read = request.POST.get("revision", "")
            revision = int(read) if read.isdecimal() and len(read) < 10 else 0
            change_node(actor=actor, node=found, changes=changes, secrets=secrets, revision=revision, now=now)
            messages.success(request, _("Changed. Runs that were asked for before refuse to go there."))
            return redirect("node", node_id=found.pk)
    context = {
        "node": found,
        "maintenance": MaintenanceForm(initial={"lasts": "8h"}),
        "in_maintenance": found.in_maintenance(now),
        "form": form,
        "sign_in": [secret for secret in (found.private_key, found.password) if secret],
        "change": may_change_nodes(actor=actor, project=found.project, now=now),
        "keys": found.host_keys.select_related("decided_by"),
        "look": may_look(actor=actor, node=found, now=now),
        "looking": being_looked_at(node=found, now=now),
        "recent": step_runs_on(actor=actor, node=found, now=now),
    }
    return render(request, "web/nodes/node.html", context, status=form.status)


def _offered(actor: Actor, node: Node, now: datetime) -> Choices:
    secrets = usable_secrets(actor=actor, project=node.project, now=now)
    return Choices(secrets=secrets, hops=hops(actor=actor, projects=[node.project], behind=node, now=now))


@require_POST
@page
def archive_node(request: HttpRequest, node_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """Out of service, or with `archived=no` back into it."""
    found = fetch.node(actor=actor, node_id=node_id, action="node.changed", now=now)
    archived = request.POST.get("archived") != "no"
    change_node(actor=actor, node=found, changes={"archived": archived}, revision=None, now=now)
    text = _("%(name)s is archived: no run goes there.") if archived else _("%(name)s is in service again.")
    messages.success(request, text % {"name": found.path})
    return redirect("node", node_id=found.pk)


@require_POST
@page
def look_at_host_key(request: HttpRequest, node_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """Answers at once: the page shows what comes of it."""
    found = fetch.node(actor=actor, node_id=node_id, action=ACTION, now=now)
    with suppress(Conflict):  # pressed twice: both wait for the same
        ask(actor=actor, node=found, now=now)
    return redirect("node", node_id=found.pk)


@require_POST
@page
def maintain_node(request: HttpRequest, node_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """Into maintenance, or with `ends=yes` out of it."""
    ends = request.POST.get("ends") == "yes"
    action = "node.maintenance_ended" if ends else "node.maintenance_set"
    found = fetch.node(actor=actor, node_id=node_id, action=action, now=now)
    if ends:
        end_maintenance(actor=actor, node=found, now=now)
        messages.success(request, _("%(name)s is out of maintenance.") % {"name": found.path})
        return redirect("node", node_id=found.pk)
    form = MaintenanceForm(request.POST)
    if not form.is_valid():
        problems = [Problem(f"/{name}", "invalid", str(text)) for name, texts in form.errors.items() for text in texts]
        raise Invalid(problems)
    reason, ends_at = form.cleaned_data["reason"], form.ends_at(now)
    set_maintenance(actor=actor, node=found, reason=reason, ends_at=ends_at, now=now)
    messages.success(request, _("%(name)s is in maintenance: no run goes there.") % {"name": found.path})
    return redirect("node", node_id=found.pk)


@require_POST
@page
def decide_host_key(
    request: HttpRequest, node_id: str, key_id: str, verdict: str, *, actor: Actor, now: datetime
) -> HttpResponse:
    action = f"host_key.{verdict}ed"
    found = fetch.node(actor=actor, node_id=node_id, action=action, now=now)
    key = host_key(node=found, key_id=key_id, action=action)
    VERDICTS[verdict](actor=actor, key=key, now=now)
    messages.success(request, _("The key is %(state)s.") % {"state": key.state})
    return redirect("node", node_id=found.pk)
