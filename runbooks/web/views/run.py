"""One run, live: the page that everybody opens, and what one may do with it."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.access.rights import restrict_runs, rights_on
from runbooks.audit.reads import record_read
from runbooks.domain.definition import Risk
from runbooks.domain.files import MOST_BYTES, name_problems
from runbooks.domain.pauses import MOST_EVIDENCE, Manual, Wait
from runbooks.domain.policy import Decision, cancel_of
from runbooks.domain.ports import GivenFile
from runbooks.domain.problems import Invalid
from runbooks.domain.states import RUN_FINAL, RunStatus, StepStatus, VersionState
from runbooks.models import Run, StepRun
from runbooks.queries.approvals import request_of
from runbooks.queries.evidence import may_have_evidence
from runbooks.queries.runs import children_seen_by, running_like, usual_seconds
from runbooks.usecases.conflict import Conflict, Taken
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.complete import Said, complete, may_answer
from runbooks.usecases.runs.decide import decision_to_start
from runbooks.usecases.runs.fan_out import failed_nodes
from runbooks.usecases.runs.may_start import may_start
from runbooks.usecases.runs.note import add_note
from runbooks.usecases.runs.rerun import on_failed_nodes, request_like
from runbooks.usecases.runs.resume import not_resumable, resume
from runbooks.usecases.runs.start_once import AlreadyRunning, Sending, start_once
from runbooks.usecases.runs.sweep import UNSTARTED
from runbooks.usecases.versions.draft import definition_of
from runbooks.web.approval_view import ApprovalView, shown
from runbooks.web.node_matrix import matrices, status_asked
from runbooks.web.pages import page

MOST_ARTIFACTS = 200  # on the page; the API lists all
NO_RUN = {StepStatus.PENDING, StepStatus.SKIPPED}
NODES_NAMED = 20  # before a run on them is confirmed; of more only the number


@require_safe
@page
def run(request: HttpRequest, run_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = fetch.run(actor=actor, run_id=run_id, now=now)
    rights = rights_on(actor=actor, place=found.runbook, now=now)
    if "see_output" in rights:
        record_read(actor=actor, action="run.output_read", thing=found, now=now)
    sees_output = "see_output" in rights
    told, asked = _told(run=found, sees_output=sees_output), status_asked(request.GET.get("nodes", ""))
    asking = _asking(run=found, steps=told["steps"], actor=actor, now=now)
    context = {
        "run": found,
        "sees_output": sees_output,
        "usual_seconds": usual_seconds(runbook=found.runbook),
        "sees_evidence": may_have_evidence(rights),
        "is_final": found.status in RUN_FINAL,
        "deliveries": found.deliveries.select_related("recipient", "endpoint") if rights & {"grant", "audit"} else None,
        "nodes_asked": asked,
        "asking": asking,
        "children": children_seen_by(actor=actor, run=found, now=now) if definition_of(found.version).calls else [],
        "whole": _whole(run=found, actor=actor, now=now),
        "matrices": matrices(run=found, steps=told["steps"], only=asked, sees_output=sees_output),
        **told,
        **_kept(run=found, sees_output=sees_output),
        "approval": _approval(run=found, actor=actor, now=now),
        "never_approved": UNSTARTED[RunStatus.AWAITING_APPROVAL],
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
def run_note(request: HttpRequest, run_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = fetch.run(actor=actor, run_id=run_id, action="run.noted", now=now)
    add_note(actor=actor, run=found, text=request.POST.get("text", ""), now=now)
    return redirect(f"{reverse('run', args=[found.pk])}#notes")


@require_POST
@page
def run_rerun(request: HttpRequest, run_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """The same values again, on all nodes or on the failed ones. Where something has to be asked first, the form asks
    it."""
    found = fetch.run(actor=actor, run_id=run_id, action="run.requested", now=now)
    again, only_failed = request_like(run=found, same_version="same" in request.POST), "failed" in request.POST
    may_start(actor=actor, runbook=found.runbook, number=again.number, now=now)
    again = on_failed_nodes(again, run=found) if only_failed else again
    sending = Sending(key=request.POST.get("key", "")[:64] or uuid.uuid4().hex)
    try:
        started = start_once(
            actor=actor, runbook=found.runbook, request=again, sending=sending, rerun_of=found, now=now
        )
    except AlreadyRunning:
        return redirect(form_like(found, number=again.number, only_failed=only_failed))
    return redirect("run", run_id=started.run.pk)


@require_POST
@page
def run_step_complete(request: HttpRequest, run_id: str, step: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """The answer to a manual step. What is missing is asked for beside the question again."""
    found = fetch.run(actor=actor, run_id=run_id, action="run.step_completed", now=now)
    try:
        said = Said(
            verdict=request.POST.get("verdict", ""), note=request.POST.get("note", ""), evidence=_evidence(request)
        )
        complete(actor=actor, run=found, step_run_id=step, said=said, now=now)
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except Conflict as conflict:
        messages.info(request, str(conflict))
    return redirect("run", run_id=found.pk)


@require_POST
@page
def run_resume(request: HttpRequest, run_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = fetch.run(actor=actor, run_id=run_id, action="run.requested", now=now)
    try:
        run = resume(actor=actor, run=found, now=now)
    except Taken:
        raise  # its own page leads to the run that has the key
    except Conflict as conflict:
        messages.info(request, str(conflict))
        return redirect("run", run_id=found.pk)
    return redirect("run", run_id=run.pk)


def form_like(run: Run, *, number: int | None = None, only_failed: bool = False) -> str:
    """The address of the form with this run's values."""
    form = reverse("run_form", args=[run.runbook.project.slug, run.runbook.slug])
    return f"{form}?from={run.pk}" + (f"&version={number}" if number else "") + ("&failed=1" if only_failed else "")


def _approval(*, run: Run, actor: Actor, now: datetime) -> ApprovalView | None:
    """Also of a version without a rule of its own: the published one may have asked for it."""
    asked = request_of(run)
    return shown(asked, actor=actor, now=now) if asked else None


def _told(*, run: Run, sees_output: bool) -> dict[str, Any]:
    """What the script left besides its log; withheld like the log itself."""
    steps = list(run.step_runs.filter(part_of=None).select_related("fan_out"))
    said = steps if sees_output else []
    scripts = {step.id for step in definition_of(run.version).steps if step.pause is None}
    return {
        "steps": steps,
        "waits": _waits(run=run, steps=steps),
        "contained": _each_once(
            step.containment for step in steps if step.step in scripts and step.status not in NO_RUN
        ),
        "summaries": [step.summary for step in said if step.summary],
        "outputs": [step for step in said if step.outputs],
        "never_ran": run.started_at is None,
        "culprit": next((step for step in steps if step.status in {StepStatus.FAILED, StepStatus.TIMED_OUT}), None),
        "skipped": any(step.status == StepStatus.SKIPPED for step in steps),
    }


def _each_once(containments: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in containments:
        if one not in found:
            found.append(one)
    return found


def _kept(*, run: Run, sees_output: bool) -> dict[str, object]:
    if not sees_output:
        return {}
    found = list(run.artifacts.select_related("step_run")[: MOST_ARTIFACTS + 1])
    return {
        "artifacts": found[:MOST_ARTIFACTS],
        "more_artifacts": len(found) > MOST_ARTIFACTS,
        "notes": run.notes.select_related("author"),
    }


def _asking(*, run: Run, steps: list[StepRun], actor: Actor, now: datetime) -> list[tuple[StepRun, Manual, Decision]]:
    """The manual steps that wait for somebody's answer, and whether the actor may give it."""
    waiting = [step for step in steps if step.status == StepStatus.WAITING]
    pauses = {step.id: step.pause for step in definition_of(run.version).steps} if waiting else {}
    return [
        (step, pause, may_answer(actor=actor, run=run, manual=pause, now=now))
        for step in waiting
        if isinstance(pause := pauses[step.step], Manual)
    ]


def _whole(*, run: Run, actor: Actor, now: datetime) -> Run | None:
    """The run that this one is a step of, where the actor sees it."""
    if run.parent_id is None:
        return None
    found = Run.objects.select_related("runbook__project").filter(pk=run.parent_id)
    return restrict_runs(actor=actor, right="view", now=now, queryset=found).first()


def _waits(*, run: Run, steps: list[StepRun]) -> list[tuple[StepRun, Wait]]:
    """The steps that wait for a moment or a condition."""
    waiting = [step for step in steps if step.status == StepStatus.WAITING]
    pauses = {step.id: step.pause for step in definition_of(run.version).steps} if waiting else {}
    return [(step, pause) for step in waiting if isinstance(pause := pauses[step.step], Wait)]


def _evidence(request: HttpRequest) -> tuple[GivenFile, ...]:
    """The files that came with an answer; of one that is too long no more than shows that."""
    given = [file for file in request.FILES.getlist("evidence")[: MOST_EVIDENCE + 1] if file.size]
    files = tuple(GivenFile(name=file.name or "", data=file.read(MOST_BYTES + 1)) for file in given)
    if problems := [problem for file in files for problem in name_problems(file.name, pointer="/evidence")]:
        raise Invalid(problems)
    return files


def _acts(*, run: Run, actor: Actor, rights: set[str], now: datetime) -> dict[str, object]:
    mine = run.requested_by_id == actor.user.pk
    definition = definition_of(run.version)
    careful = definition.risk is Risk.HIGH or any(parameter.confirm for parameter in definition.parameters)
    older = run.version.state != VersionState.PUBLISHED
    again = decision_to_start(actor=actor, runbook=run.runbook, now=now)
    same = decision_to_start(actor=actor, runbook=run.runbook, number=run.version.number, now=now) if older else None
    to_do = failed_nodes(run) if definition.targets and run.status in RUN_FINAL else []
    return {
        "cancel_decision": cancel_of(is_requester=mine, rights=rights),
        "rerun_decision": again,
        "same_decision": same,
        "may_resume": bool(again if same is None else same),
        "resumable": run.status in RUN_FINAL and not_resumable(run) is None,
        "asks_first": careful or running_like(runbook=run.runbook) is not None,
        "asks_first_always": careful,
        "failed_nodes": to_do,
        "failed_named": to_do[:NODES_NAMED],
        "failed_more": max(0, len(to_do) - NODES_NAMED),
        "form_url": form_like(run),
        "failed_form_url": form_like(run, only_failed=True),
        "same_form_url": form_like(run, number=run.version.number),
        "key": uuid.uuid4().hex,
    }
