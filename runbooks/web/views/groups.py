"""Groups: the list, and adding one."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require_right
from runbooks.queries.paging import page as paged
from runbooks.queries.people import sized_groups
from runbooks.usecases.people.groups import add_group
from runbooks.web.acting import ActForm, posted, refusals_shown_in
from runbooks.web.pages import page


class GroupForm(ActForm):
    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    slug = forms.CharField(
        label=gettext_lazy("Slug"),
        max_length=64,
        help_text=gettext_lazy("Its name in grants and addresses: lower-case letters, digits and hyphens."),
    )


@page
def groups(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    require_right(actor=actor, right="administer", place=installation(), action="group.listed", now=now)
    form = GroupForm(posted(request))
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            made = add_group(actor=actor, now=now, **form.cleaned_data)
            messages.success(request, _("Group %(slug)s is there, empty.") % {"slug": made.slug})
            return redirect("group", slug=made.slug)
    listed = paged(queryset=sized_groups(now=now), cursor=request.GET.get("cursor", ""))
    context = {"groups": listed.results, "next": listed.next, "form": form}
    return render(request, "web/groups.html", context, status=form.status)
