"""The form that starts a run, and the panel beside it that says what would happen."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.access.fetch import NotAllowed, require
from runbooks.access.rights import owners_of
from runbooks.audit.denials import tell_the_log
from runbooks.domain.containment import as_json
from runbooks.domain.definition import Definition
from runbooks.domain.guardrails import in_words
from runbooks.domain.offered import offered
from runbooks.domain.parameters import ParameterType
from runbooks.domain.plan import Plan
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Run, Runbook, Version
from runbooks.queries.runs import running_like, usual_seconds
from runbooks.usecases.approvals.ahead import Ahead, ahead_of
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.grants.explain import limits_held, limits_told
from runbooks.usecases.guardrails.break_glass import may_break
from runbooks.usecases.nodes.choose import choices
from runbooks.usecases.runs.may_start import may_start
from runbooks.usecases.runs.preview import preview
from runbooks.usecases.runs.rerun import on_failed_nodes
from runbooks.usecases.runs.start import Request, demanded
from runbooks.usecases.runs.start_once import AlreadyRunning, Sending, start_once
from runbooks.usecases.versions.binding import binding_definition
from runbooks.web.forms.run import RunForm, files_kept, link_values, not_kept, posted_values, slips, strangers
from runbooks.web.pages import page
from runbooks.web.proof import is_proven, to_prove

KEY_CHARACTERS = 64
NODES_NAMED = 20  # in the panel; of more only the number


@dataclass(frozen=True)
class Asked:
    """Whose form it is, for what, and what has been typed into it so far."""

    actor: Actor
    now: datetime
    runbook: Runbook
    version: Version
    number: int | None  # of the version, where it is not the published one that was asked for
    definition: Definition
    breaks_glass: bool = False

    @property
    def shown(self) -> Definition:
        """With only those values to choose from that the grants of whoever looks can cover."""
        limits = limits_held(actor=self.actor, runbook=self.runbook, now=self.now)
        return replace(self.definition, parameters=offered(self.definition.parameters, limits))


@dataclass(frozen=True)
class Planned:
    """What would happen, or why nothing would."""

    plan: Plan | None
    problems: list[Problem]
    status: int = 400  # of the answer where there is a problem


NOTHING_TYPED = Planned(None, [])


@require_http_methods(["GET", "HEAD", "POST"])
@page
def run_form(request: HttpRequest, project: str, slug: str, *, actor: Actor, now: datetime) -> HttpResponse:
    if _breaks_glass(request) and not is_proven(request):
        return to_prove(back=_address_with_what_was_typed(request))
    asked = _asked(request, project=project, slug=slug, actor=actor, now=now)
    if request.method != "POST":
        return _shown(request, asked=asked, form=_first_form(request, asked=asked))
    if _has_changed(request, asked=asked):
        detail = _("Another version was published since you opened this form: look again before you start it.")
        form = _form_again(request, asked=asked, problems=[Problem("", "changed", detail)])
        return _shown(request, asked=asked, form=form, status=409)
    planned = _planned(request, asked=asked)
    if problems := [*planned.problems, *slips(asked.definition, request.POST)]:
        form = _form_again(request, asked=asked, problems=problems)
        return _shown(request, asked=asked, form=form, planned=planned, status=planned.status)
    return _started(request, asked=asked, planned=planned)


@require_POST
@page
def run_preview(request: HttpRequest, project: str, slug: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """The panel alone, for what has been typed so far."""
    asked = _asked(request, project=project, slug=slug, actor=actor, now=now)
    context = _plan_context(asked=asked, planned=_planned(request, asked=asked))
    return render(request, "web/run_form/_plan.html", context)


def _asked(request: HttpRequest, *, project: str, slug: str, actor: Actor, now: datetime) -> Asked:
    """Raises Hidden and NotAllowed."""
    action = "run.requested"
    runbook = fetch.runbook(actor=actor, project=project, slug=slug, action=action, now=now)
    text = (request.POST if request.method == "POST" else request.GET).get("version", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
    breaks_glass = _breaks_glass(request)
    version = may_start(actor=actor, runbook=runbook, number=number, breaks_glass=breaks_glass, now=now)
    version.runbook = runbook
    definition = binding_definition(version)
    if breaks_glass:
        require(may_break(actor=actor, definition=definition, now=now), action="glass.broken", thing=runbook)
    return Asked(actor, now, runbook, version, number, definition, breaks_glass)


def _breaks_glass(request: HttpRequest) -> bool:
    return (request.POST if request.method == "POST" else request.GET).get("break_glass") == "yes"


def _address_with_what_was_typed(request: HttpRequest) -> str:
    """Of the form, to come back to. Values do not travel in it: some may be secret."""
    typed = request.POST if request.method == "POST" else request.GET
    kept = {name: typed[name] for name in ("break_glass", "version", "from", "failed") if typed.get(name)}
    return f"{request.path.removesuffix('/preview')}?{urlencode(kept)}"


def _has_changed(request: HttpRequest, *, asked: Asked) -> bool:
    """Whether the form was shown for other content than would run now."""
    return request.POST.get("seen", "") not in {"", asked.version.hash}


def _first_form(request: HttpRequest, *, asked: Asked) -> RunForm:
    """Values from a link or from an earlier run are labelled as such; nothing starts by itself."""
    if earlier := _earlier(request, asked=asked):
        known = {parameter.name for parameter in asked.definition.parameters}
        given = {name: value for name, value in earlier.parameters.items() if name in known}
        origin = _("from the earlier run")
        return RunForm(definition=asked.shown, given=given, reason=earlier.reason, origin=origin, nodes=_nodes(asked))
    given = link_values(asked.definition, request.GET)
    reason = request.GET.get("reason", "")
    origin = _("from the link")
    return RunForm(definition=asked.shown, given=given, reason=reason, origin=origin, nodes=_nodes(asked))


def _form_again(request: HttpRequest, *, asked: Asked, problems: list[Problem]) -> RunForm:
    kept = files_kept(asked.definition, request.POST, request.FILES)
    lost = not_kept(asked.definition, request.POST, request.FILES)
    return RunForm(
        definition=asked.shown, data=request.POST, given=kept, problems=problems, nodes=_nodes(asked), lost=lost
    )


def _nodes(asked: Asked) -> dict[str, list[str]]:
    """What there is to choose from, for each parameter that is a node."""
    return {
        parameter.name: choices(actor=asked.actor, runbook=asked.runbook, parameter=parameter, now=asked.now)
        for parameter in asked.definition.parameters
        if parameter.type is ParameterType.NODE
    }


def _request(request: HttpRequest, *, asked: Asked) -> Request:
    values = posted_values(asked.definition, request.POST, request.FILES)
    reason, broken = request.POST.get("reason", "").strip(), asked.breaks_glass
    proven = broken and is_proven(request)
    typed = Request(values=values, reason=reason, number=asked.number, breaks_glass=broken, proven=proven)
    return _narrowed(request, asked=asked, typed=typed)


def _narrowed(request: HttpRequest, *, asked: Asked, typed: Request) -> Request:
    """To the nodes where the earlier run did not succeed, where the form was opened for those: never to all instead."""
    if "failed" not in request.POST:
        return typed
    if earlier := _earlier(request, asked=asked):
        return on_failed_nodes(typed, run=earlier)
    detail = _("The run whose failed nodes are meant is missing. Open the form from that run again.")
    raise Invalid([Problem("/from", "required", detail)])


def _planned(request: HttpRequest, *, asked: Asked) -> Planned:
    """A refusal keeps nobody's form: what was typed is shown again, with the reasons."""
    try:
        wanted = _request(request, asked=asked)
        plan = preview(actor=asked.actor, runbook=asked.runbook, request=wanted, now=asked.now)
    except Invalid as error:
        return Planned(None, list(error.problems), 400)
    except Conflict as conflict:
        return Planned(None, [Problem("", conflict.code, str(conflict))], 409)
    except NotAllowed as refusal:
        tell_the_log(error=refusal, actor=asked.actor, now=asked.now)
        return Planned(None, [Problem("", "not_allowed", reason) for reason in refusal.reasons], 403)
    return Planned(plan, [])


def _started(request: HttpRequest, *, asked: Asked, planned: Planned) -> HttpResponse:
    sending = Sending(
        key=request.POST.get("key", "")[:KEY_CHARACTERS] or uuid.uuid4().hex, beside=request.POST.get("beside", "")
    )
    earlier = _earlier(request, asked=asked)
    try:
        started = start_once(
            actor=asked.actor,
            runbook=asked.runbook,
            request=_request(request, asked=asked),
            sending=sending,
            rerun_of=earlier,
            now=asked.now,
        )
    except AlreadyRunning:
        form = _form_again(request, asked=asked, problems=[])
        return _shown(request, asked=asked, form=form, planned=planned, asks_beside=True, status=409)
    except Conflict as conflict:
        form = _form_again(request, asked=asked, problems=[])
        return _shown(request, asked=asked, form=form, planned=planned, conflict=conflict, status=409)
    if started.repeated:
        messages.info(request, _("This form had been sent before: here is the run that it started."))
    return redirect("run", run_id=started.run.pk)


def _earlier(request: HttpRequest, *, asked: Asked) -> Run | None:
    """The run whose values are offered again. Raises Hidden."""
    run_id = (request.POST if request.method == "POST" else request.GET).get("from", "")
    if not run_id:
        return None
    run = fetch.run(actor=asked.actor, run_id=run_id, now=asked.now)
    return run if run.runbook_id == asked.runbook.pk else None


def _shown(
    request: HttpRequest,
    *,
    asked: Asked,
    form: RunForm,
    planned: Planned = NOTHING_TYPED,
    asks_beside: bool = False,
    conflict: Conflict | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "key": request.POST.get("key", "")[:KEY_CHARACTERS] or uuid.uuid4().hex,
        "earlier": _earlier(request, asked=asked),
        "only_failed": "failed" in (request.POST if request.method == "POST" else request.GET),
        "running": running_like(runbook=asked.runbook),
        "asks_beside": asks_beside,
        "conflict": conflict,
        "unknown": strangers(asked.definition, request.GET),
        **_plan_context(asked=asked, planned=planned),
    }
    return render(request, "web/run_form.html", context, status=status)


def _plan_context(*, asked: Asked, planned: Planned) -> dict[str, object]:
    plan = planned.plan
    return {
        "runbook": asked.runbook,
        "version": asked.version,
        "number": asked.number,
        "definition": asked.definition,
        "breaks_glass": asked.breaks_glass,
        "limits": limits_told(actor=asked.actor, right="run", place=asked.runbook, now=asked.now),
        "rates": [in_words(rate) for rate in asked.definition.guardrails.rates],
        "plan": plan,
        "nodes_named": f":{NODES_NAMED}",
        "more_nodes": max(0, len(plan.targets) - NODES_NAMED) if plan else 0,
        "problems": planned.problems,
        "owners": owners_of(runbook=asked.runbook, now=asked.now),
        "usual_seconds": usual_seconds(runbook=asked.runbook),
        "demanded": as_json(demanded(asked.definition)),
        "approval": _approval(plan, asked=asked),
        "longest": sum(step.timeout_seconds for step in asked.definition.steps),
    }


def _approval(plan: Plan | None, *, asked: Asked) -> Ahead | None:
    """What these values would need. Without values only what every run of it needs can be told."""
    rules = asked.definition.policy.rules
    if not rules or (plan is None and any(rule.when is not None for rule in rules)):
        return None
    empty = Plan(runbook=asked.runbook.path, version=asked.version.hash, values={})
    return ahead_of(
        actor=asked.actor, runbook=asked.runbook, definition=asked.definition, plan=plan or empty, now=asked.now
    )
