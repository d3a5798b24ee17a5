"""What waits for a reviewer, and what became of one's own proposals."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from runbooks.access.actors import Actor
from runbooks.domain.states import VersionState
from runbooks.queries.versions import open_versions, proposals
from runbooks.usecases.versions.lineage import authors_of
from runbooks.usecases.versions.review import may_review
from runbooks.web.pages import page

MOST = 100


@page
def reviews(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    in_review = [
        {"version": one, "authors": authors_of(one), "decision": may_review(actor=actor, version=one, now=now)}
        for one in open_versions(actor=actor, state=VersionState.IN_REVIEW, now=now)[:MOST]
    ]
    context = {
        "waiting": [row for row in in_review if row["decision"]],
        "others": [row for row in in_review if not row["decision"]],
        "approved": open_versions(actor=actor, state=VersionState.APPROVED, now=now)[:MOST],
        "mine": proposals(actor=actor, now=now)[:MOST],
    }
    return render(request, "web/reviews.html", context)
