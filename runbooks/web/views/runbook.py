"""One runbook: its document, what it would do, and what it has done."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.access.rights import owners_of, rights_on
from runbooks.models import Runbook, Version
from runbooks.queries.runs import running_like, runs, usual_seconds
from runbooks.queries.versions import shown_version
from runbooks.usecases.guardrails.break_glass import may_break
from runbooks.usecases.runs.decide import decision_to_start
from runbooks.usecases.versions.draft import definition_of
from runbooks.web.markdown import outline
from runbooks.web.pages import page
from runbooks.web.summary import purpose

RUNS, VERSIONS = 6, 8


@require_safe
@page
def runbook(request: HttpRequest, project: str, slug: str, *, actor: Actor, now: datetime) -> HttpResponse:
    found = fetch.runbook(actor=actor, project=project, slug=slug, now=now)
    version = shown_version(found)
    context = {
        "runbook": found,
        "version": version,
        "decision": (decision := decision_to_start(actor=actor, runbook=found, now=now)),
        "may_break": bool(version and not decision and _may_break(actor=actor, version=version, now=now)),
        "rights": rights_on(actor=actor, place=found, now=now),
        "owners": owners_of(runbook=found, now=now),
        "usual_seconds": usual_seconds(runbook=found),
        "running": running_like(runbook=found),
        "recent": runs(actor=actor, now=now, runbook=found.path)
        .defer("plan")
        .prefetch_related(None)
        .order_by("-id")[:RUNS],
        **_content(runbook=found, version=version),
    }
    return render(request, "web/runbook.html", context)


def _may_break(*, actor: Actor, version: Version, now: datetime) -> bool:
    """Whether it is worth a link: those who may, where breaking the glass would let the run start."""
    return bool(
        may_break(actor=actor, definition=definition_of(version), now=now)
        and decision_to_start(actor=actor, runbook=version.runbook, now=now, breaks_glass=True)
    )


def _content(*, runbook: Runbook, version: Version | None) -> dict[str, object]:
    definition = definition_of(version) if version else None
    versions = runbook.versions.select_related("author").defer("manifest").order_by("-number")[:VERSIONS]
    return {
        "definition": definition,
        "purpose": purpose(definition.doc) if definition else "",
        "outline": outline(definition.doc, anchors="doc") if definition else [],
        "versions": versions,
    }
