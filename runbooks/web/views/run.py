"""One run, live: the page that everybody opens, and what one may do with it."""

import uuid
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.access.rights import rights_on
from runbooks.audit.reads import record_read
from runbooks.domain.definition import Risk
from runbooks.domain.policy import cancel_of
from runbooks.domain.states import RUN_FINAL, StepStatus, VersionState
from runbooks.models import Run
from runbooks.queries.runs import running_like, usual_seconds
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.decide import decision_to_start
from runbooks.usecases.runs.rerun import request_like
from runbooks.usecases.runs.start import may_start
from runbooks.usecases.runs.start_once import AlreadyRunning, Sending, start_once
from runbooks.usecases.versions.draft import definition_of
from runbooks.web.pages import page


@require_safe
@page
def run(request: HttpRequest, run_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = fetch.run(actor=actor, run_id=run_id, now=now)
    rights = rights_on(actor=actor, place=found.runbook, now=now)
    if "see_output" in rights:
        record_read(actor=actor, action="run.output_read", thing=found, now=now)
    context = {
        "run": found,
        "sees_output": "see_output" in rights,
        "usual_seconds": usual_seconds(runbook=found.runbook),
        "is_final": found.status in RUN_FINAL,
        "deliveries": found.deliveries.select_related("recipient") if rights & {"grant", "audit"} else None,
        **_told(run=found, sees_output="see_output" in rights),
        **_acts(run=found, actor=actor, rights=rights, now=now),
    }
    return render(request, "web/run.html", context)


@require_POST
@page
def run_cancel(request: HttpRequest, run_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = fetch.run(actor=actor, run_id=run_id, action="run.cancel_requested", now=now)
    try:
        cancel(actor=actor, run=found, now=now)
    except Conflict as conflict:
        messages.info(request, str(conflict))
    else:
        if found.status not in RUN_FINAL:
            messages.info(request, _("Asked to stop. The worker ends everything that the run has started."))
    return redirect("run", run_id=found.pk)


@require_POST
@page
def run_rerun(request: HttpRequest, run_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """The same values again. Where something has to be asked first, the form asks it."""
    found = fetch.run(actor=actor, run_id=run_id, action="run.requested", now=now)
    again = request_like(run=found, same_version="same" in request.POST)
    may_start(actor=actor, runbook=found.runbook, number=again.number, now=now)
    sending = Sending(key=request.POST.get("key", "")[:64] or uuid.uuid4().hex)
    try:
        started = start_once(
            actor=actor, runbook=found.runbook, request=again, sending=sending, rerun_of=found, now=now
        )
    except AlreadyRunning:
        return redirect(form_like(found, number=again.number))
    return redirect("run", run_id=started.run.pk)


def form_like(run: Run, *, number: int | None = None) -> str:
    """The address of the form with this run's values."""
    form = reverse("run_form", args=[run.runbook.project.slug, run.runbook.slug])
    return f"{form}?from={run.pk}" + (f"&version={number}" if number else "")


def _told(*, run: Run, sees_output: bool) -> dict[str, object]:
    """What the script left besides its log; withheld like the log itself."""
    steps = list(run.step_runs.all())
    said = steps if sees_output else []
    return {
        "steps": steps,
        "summaries": [step.summary for step in said if step.summary],
        "outputs": [step for step in said if step.outputs],
        "never_ran": run.started_at is None,
        "culprit": next((step for step in steps if step.status in {StepStatus.FAILED, StepStatus.TIMED_OUT}), None),
        "skipped": any(step.status == StepStatus.SKIPPED for step in steps),
    }


def _acts(*, run: Run, actor: Actor, rights: set[str], now: datetime) -> dict[str, object]:
    mine = run.requested_by_id == actor.user.pk
    definition = definition_of(run.version)
    careful = definition.risk is Risk.HIGH or any(parameter.confirm for parameter in definition.parameters)
    older = run.version.state != VersionState.PUBLISHED
    return {
        "cancel_decision": cancel_of(is_requester=mine, rights=rights),
        "rerun_decision": decision_to_start(actor=actor, runbook=run.runbook, now=now),
        "same_decision": decision_to_start(actor=actor, runbook=run.runbook, number=run.version.number, now=now)
        if older
        else None,
        "asks_first": careful or running_like(runbook=run.runbook) is not None,
        "asks_first_always": careful,
        "form_url": form_like(run),
        "same_form_url": form_like(run, number=run.version.number),
        "key": uuid.uuid4().hex,
    }
