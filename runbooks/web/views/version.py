"""One version: everything that it would do, how it differs, who wrote it, and what may be done with it now."""

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
from runbooks.access.rights import may
from runbooks.domain.policy import publication_of
from runbooks.domain.states import VERSION_MOVES, VersionState
from runbooks.models import Version
from runbooks.queries.versions import diff, lineage_of, published_version
from runbooks.usecases.versions.draft import definition_of
from runbooks.usecases.versions.publish import publish
from runbooks.usecases.versions.review import may_review, review
from runbooks.usecases.versions.submit import submit
from runbooks.usecases.versions.withdraw import withdraw
from runbooks.web.acting import ActForm, refusals_shown_in
from runbooks.web.diffs import parsed
from runbooks.web.pages import page


class ReviewForm(ActForm):
    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Needed to reject: say what would have to change."),
    )
    digest = forms.CharField(widget=forms.HiddenInput)
    verdict = forms.CharField(widget=forms.HiddenInput, required=False)


@page
def version(request: HttpRequest, project: str, slug: str, number: int, *, actor: Actor, now: datetime) -> HttpResponse:
    found = fetch.version(actor=actor, project=project, slug=slug, number=number, now=now)
    form = ReviewForm(initial={"digest": found.hash})
    return _shown(request, version=found, form=form, actor=actor, now=now)


@require_POST
@page
def version_review(
    request: HttpRequest, project: str, slug: str, number: int, *, actor: Actor, now: datetime
) -> HttpResponse:
    found = fetch.version(actor=actor, project=project, slug=slug, number=number, action="version.reviewed", now=now)
    form = ReviewForm(request.POST)
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            review(actor=actor, version=found, now=now, **form.cleaned_data)
            messages.success(request, _("Your review is recorded."))
            return _back_to(found)
    return _shown(request, version=found, form=form, actor=actor, now=now)


@require_POST
@page
def version_submit(
    request: HttpRequest, project: str, slug: str, number: int, *, actor: Actor, now: datetime
) -> HttpResponse:
    found = fetch.version(actor=actor, project=project, slug=slug, number=number, action="version.submitted", now=now)
    submit(actor=actor, version=found, now=now)
    messages.success(request, _("Submitted. Somebody who wrote none of it has to review it now."))
    return _back_to(found)


@require_POST
@page
def version_publish(
    request: HttpRequest, project: str, slug: str, number: int, *, actor: Actor, now: datetime
) -> HttpResponse:
    found = fetch.version(actor=actor, project=project, slug=slug, number=number, action="version.published", now=now)
    publish(actor=actor, version=found, now=now)
    messages.success(request, _("Published: this version runs by default from now on."))
    return _back_to(found)


@require_POST
@page
def version_withdraw(
    request: HttpRequest, project: str, slug: str, number: int, *, actor: Actor, now: datetime
) -> HttpResponse:
    found = fetch.version(actor=actor, project=project, slug=slug, number=number, action="version.withdrawn", now=now)
    withdraw(actor=actor, version=found, now=now)
    messages.success(request, _("Withdrawn."))
    return _back_to(found)


def _back_to(version: Version) -> HttpResponse:
    return redirect("version", version.runbook.project.slug, version.runbook.slug, version.number)


def _shown(request: HttpRequest, *, version: Version, form: ReviewForm, actor: Actor, now: datetime) -> HttpResponse:
    before = published_version(version.runbook)
    compared = before if before and before.pk != version.pk else None
    context = {
        "version": version,
        "runbook": version.runbook,
        "definition": definition_of(version),
        "compared": compared,
        "diff": parsed(diff(old=compared, new=version)) if compared else None,
        "lineage": lineage_of(version).reverse(),
        "reviews": version.reviews.select_related("by"),
        "form": form,
        **_acts(version=version, actor=actor, now=now),
    }
    return render(request, "web/version.html", context, status=form.status)


def _acts(*, version: Version, actor: Actor, now: datetime) -> dict[str, object]:
    """Decisions about what this state allows at all; None for what it does not."""
    state = VersionState(version.state)
    edit, audit, vet = (
        may(actor=actor, right=right, place=version.runbook, now=now) for right in ("edit", "audit", "review")
    )
    publishable = state in {VersionState.APPROVED, VersionState.SUPERSEDED}
    reviewable = state in {VersionState.IN_REVIEW, VersionState.APPROVED}
    return {
        "edit": edit,
        "may_audit": audit,
        "submit": edit if state is VersionState.DRAFT else None,
        "withdraw": edit if VersionState.WITHDRAWN in VERSION_MOVES[state] else None,
        "publish": vet & publication_of(state=state) if publishable else None,
        "verdict": may_review(actor=actor, version=version, now=now) if reviewable else None,
        "may_approve": state is VersionState.IN_REVIEW,
    }
