"""The projects that one sees, and making one."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation
from runbooks.access.rights import may
from runbooks.queries.paging import page as paged
from runbooks.queries.projects import projects as visible
from runbooks.queries.runbooks import runbooks
from runbooks.usecases.projects.create import create_project
from runbooks.web.acting import ActForm, posted, refusals_shown_in
from runbooks.web.pages import page


class ProjectForm(ActForm):
    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    slug = forms.CharField(
        label=gettext_lazy("Slug"),
        max_length=64,
        help_text=gettext_lazy("Its name in addresses: lower-case letters, digits and hyphens. Never used again."),
    )


@page
def projects(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    form = ProjectForm(posted(request))
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            made = create_project(actor=actor, now=now, **form.cleaned_data)
            messages.success(
                request, _("Project %(slug)s is there. Now grant people rights in it.") % {"slug": made.slug}
            )
            return redirect("projects")
    found = paged(queryset=visible(actor=actor, now=now), cursor=request.GET.get("cursor", ""))
    counts = runbooks(actor=actor, now=now).order_by().values_list("project").annotate(count=Count("pk"))
    sizes = dict(counts)
    rows = [
        {"project": one, "count": sizes.get(one.pk, 0), "edit": may(actor=actor, right="edit", place=one, now=now)}
        for one in found.results
    ]
    create = may(actor=actor, right="administer", place=installation(), now=now)
    context = {"rows": rows, "next": found.next, "form": form, "create": create}
    return render(request, "web/projects.html", context, status=form.status)
