"""Accounts: the list, adding a person or a service account."""

from datetime import datetime
from typing import ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require_right
from runbooks.access.names import user_named
from runbooks.models import UserKind
from runbooks.queries.paging import page as paged
from runbooks.queries.people import accounts
from runbooks.usecases.people.accounts import add_person, add_service_account
from runbooks.web.acting import ActForm, posted, refusals_shown_in
from runbooks.web.pages import page


class PeopleFilters(forms.Form):
    q = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        widget=forms.SearchInput(attrs={"placeholder": gettext_lazy("a part of a name")}),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=[
            ("", gettext_lazy("All")),
            (UserKind.PERSON, gettext_lazy("People")),
            (UserKind.SERVICE, gettext_lazy("Service accounts")),
        ],
    )


class PersonForm(ActForm):
    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=64,
        help_text=gettext_lazy("Lower-case letters, digits, dots, hyphens and underscores. Never used again."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    full_name = forms.CharField(label=gettext_lazy("Full name"), max_length=200, required=False)
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,
        help_text=gettext_lazy("Owners of runbooks are told here of every use."),
    )
    password = forms.CharField(
        label=gettext_lazy("First password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least 12 characters. Without one, nobody can sign in to this account by password."),
    )


class ServiceAccountForm(ActForm):
    username = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    full_name = forms.CharField(label=gettext_lazy("What it is for"), max_length=200, required=False)
    owner = forms.CharField(
        label=gettext_lazy("Owner"),
        help_text=gettext_lazy("User name of the person who answers for it. It falls with its owner."),
    )
    pointers: ClassVar[dict[str, str]] = {}


@page
def people(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    require_right(actor=actor, right="administer", place=installation(), action="user.listed", now=now)
    wanted = {"q": request.GET.get("q", "").strip(), "kind": request.GET.get("kind", "")}
    listed = paged(queryset=accounts(**wanted), cursor=request.GET.get("cursor", ""))
    context = {"filters": PeopleFilters(wanted), "accounts": listed.results, "next": listed.next}
    return render(request, "web/people.html", context)


@page
def new_person(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    require_right(actor=actor, right="administer", place=installation(), action="user.created", now=now)
    form = PersonForm(posted(request))
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            made = add_person(actor=actor, now=now, **form.cleaned_data)
            messages.success(request, _("%(name)s is there, with no rights yet.") % {"name": made.username})
            return redirect("person", name=made.username)
    return render(request, "web/new_account.html", {"form": form, "kind": "person"}, status=form.status)


@page
def new_service_account(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    require_right(actor=actor, right="administer", place=installation(), action="user.created", now=now)
    form = ServiceAccountForm(posted(request))
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            asked = {**form.cleaned_data, "owner": user_named(name=form.cleaned_data["owner"], pointer="/owner")}
            made = add_service_account(actor=actor, now=now, **asked)
            messages.success(request, _("%(name)s is there, with no rights yet.") % {"name": made.username})
            return redirect("person", name=made.username)
    return render(request, "web/new_account.html", {"form": form, "kind": "service"}, status=form.status)
