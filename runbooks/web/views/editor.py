"""Writing a runbook: YAML in, a draft out; what was typed comes back with whatever was wrong with it."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.access.fetch import require_right
from runbooks.models import Runbook, Version
from runbooks.queries.versions import as_yaml, newest_version
from runbooks.usecases.versions.draft import definition_of
from runbooks.usecases.versions.write import write, write_new
from runbooks.web.acting import ActForm, posted, refusals_shown_in
from runbooks.web.located import located
from runbooks.web.pages import page
from runbooks.web.starting_text import starting_text


class EditorForm(ActForm):
    text = forms.CharField(required=False, strip=False)
    base = forms.IntegerField(required=False)


@page
def new_runbook(request: HttpRequest, project: str, *, actor: Actor, now: datetime) -> HttpResponse:
    place = fetch.project(actor=actor, slug=project, action="version.drafted", now=now)
    require_right(actor=actor, right="edit", place=place, action="version.drafted", now=now)
    form = EditorForm(posted(request))
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            made = write_new(actor=actor, project=project, text=form.cleaned_data["text"], now=now)
            messages.success(request, _("Saved as version 1, a draft. Submit it for review when it is ready."))
            return redirect("editor", project=project, slug=made.runbook.slug)
    context = {"project": place, **_typed(form, fresh=starting_text(project=project))}
    return render(request, "web/editor.html", context, status=form.status)


@page
def editor(request: HttpRequest, project: str, slug: str, *, actor: Actor, now: datetime) -> HttpResponse:
    book = fetch.runbook(actor=actor, project=project, slug=slug, action="version.drafted", now=now)
    require_right(actor=actor, right="edit", place=book, action="version.drafted", now=now)
    form = EditorForm(posted(request))
    if form.is_valid():
        typed = form.cleaned_data
        with refusals_shown_in(form, actor=actor, now=now):
            saved = write(actor=actor, runbook=book, text=typed["text"], base=typed["base"] or 0, now=now)
            _tell(request, *saved)
            return redirect("editor", project=project, slug=slug)
    newest = newest_version(book)
    context = {**_outline(book, newest), **_typed(form, fresh=as_yaml(newest) if newest else "")}
    return render(request, "web/editor.html", context, status=form.status)


def _typed(form: EditorForm, *, fresh: str) -> dict[str, object]:
    text = str(form.data.get("text", "")) if form.is_bound else fresh
    problems = located(form.problems, text)
    marks = [{"line": one.line, "detail": one.detail} for one in problems]
    return {"form": form, "text": text, "problems": problems, "marks": marks, "base": form.data.get("base") or 0}


def _outline(book: Runbook, newest: Version | None) -> dict[str, object]:
    definition = definition_of(newest) if newest else None
    return {"runbook": book, "project": book.project, "newest": newest, "definition": definition}


def _tell(request: HttpRequest, version: Version, new: bool) -> None:
    if new:
        text = _("Saved as version %(number)s, a draft. Submit it for review when it is ready.")
        messages.success(request, text % {"number": version.number})
    else:
        text = _("Nothing to save: this is exactly what version %(number)s says already.")
        messages.info(request, text % {"number": version.number})
