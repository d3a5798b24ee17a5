from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.queries.versions import diff
from runbooks.web.diffs import parsed
from runbooks.web.pages import page


@page
def version_diff(
    request: HttpRequest, project: str, slug: str, a: int, b: int, *, actor: Actor, now: datetime
) -> HttpResponse:
    """What changed from version A to version B."""
    old, new = (fetch.version(actor=actor, project=project, slug=slug, number=n, now=now) for n in (a, b))
    context = {"runbook": new.runbook, "old": old, "new": new, "diff": parsed(diff(old=old, new=new))}
    return render(request, "web/version_diff.html", context)
