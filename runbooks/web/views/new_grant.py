"""Giving a grant: who, where, which rights, until when, why."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.domain.policy import YES, no
from runbooks.domain.problems import Problem
from runbooks.domain.rights import RIGHT_TITLES, ROLES
from runbooks.models import Grant
from runbooks.queries import grants
from runbooks.queries.people import known_principals
from runbooks.usecases.grants.grant_named import grant_named
from runbooks.usecases.grants.replace import replace
from runbooks.usecases.grants.revoke import may_revoke
from runbooks.web.acting import ActForm, posted, refusals_shown_in
from runbooks.web.forms.limits import PREFIX, LimitFields, limit_field, shown_limits
from runbooks.web.lasting import FOREVER, Lasting
from runbooks.web.pages import page

NOWHERE = no("Granting needs the right “grant” or “administer” on something, and you hold neither anywhere.")
SINGLE = "single"
LIMIT_ORDER = (
    "values", "when", "nodes", "max_nodes", "days", "from", "to", "zone", "per_hour", "per_day", "triggers",
)  # fmt: skip
ROLE_CHOICES = [
    ("runner", gettext_lazy("Runner: see, run, read the output")),
    ("author", gettext_lazy("Author: see, propose versions")),
    ("owner", gettext_lazy("Owner: all of these, and review, publish, approve, grant")),
    ("auditor", gettext_lazy("Auditor: see everything, read output and the audit log")),
    (SINGLE, gettext_lazy("Single rights")),
]


class GrantForm(Lasting, LimitFields, ActForm):
    pointers: ClassVar[dict[str, str]] = {"expires_at": "until"}
    field_order = ("principal", "object", "role", "rights", "lasts", "until", "reason")

    principal = forms.CharField(
        label=gettext_lazy("To whom"),
        max_length=100,
        widget=forms.TextInput(attrs={"list": "principals", "autocomplete": "off", "placeholder": "user:runner"}),
        help_text=gettext_lazy("user:name for a person or a service account, group:name for a group."),
    )
    object = forms.CharField(
        label=gettext_lazy("On what"),
        max_length=200,
        widget=forms.TextInput(attrs={"list": "places", "autocomplete": "off", "placeholder": "project:payments"}),
        help_text=gettext_lazy("A runbook, a project with all its runbooks, or the installation with everything."),
    )
    role = forms.ChoiceField(label=gettext_lazy("Rights"), choices=ROLE_CHOICES, widget=forms.RadioSelect)
    rights = forms.MultipleChoiceField(
        label=gettext_lazy("Which rights"),
        required=False,
        choices=[(right, f"{right}: {title}") for right, title in RIGHT_TITLES.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Counts where “Single rights” is chosen."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Kept with the grant: who looks at it in a year should understand it."),
    )

    def field_of(self, problem: Problem) -> str | None:
        return limit_field(problem.pointer) or super().field_of(problem)

    def main_fields(self) -> list[forms.BoundField]:
        return [field for field in self if not field.name.startswith(PREFIX)]

    def limit_fields(self) -> list[forms.BoundField]:
        return [self[PREFIX + name] for name in LIMIT_ORDER]

    @property
    def is_limited(self) -> bool:
        """Whether the fields of limits say something, or something about them is wrong: then they are shown open."""
        names = [PREFIX + name for name in LIMIT_ORDER if name != "zone"]
        return any(self[name].value() or self[name].errors for name in names)

    def chosen(self) -> list[str]:
        role = self.cleaned_data["role"]
        return self.cleaned_data["rights"] if role == SINGLE else list(ROLES[role])


@page
def new_grant(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    places = grants.places(actor=actor, now=now)
    require(YES if places else NOWHERE, action="grant.created", thing=installation())
    asked = {name: request.GET.get(name, "") for name in ("principal", "object")}
    form = GrantForm(posted(request), initial={**asked, "role": "runner", "lasts": "30d"})
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            made = _given(form=form, actor=actor, now=now)
            text = _("%(who)s now holds %(rights)s on %(what)s.")
            named = {"who": made.principal_name, "rights": ", ".join(made.rights), "what": made.object_name}
            messages.success(request, text % named)
            return redirect("access")
    context = {
        "form": form,
        "principals": known_principals(actor=actor, now=now),
        "places": places,
    }
    return render(request, "web/new_grant.html", context, status=form.status)


def _given(*, form: GrantForm, actor: Actor, now: datetime) -> Grant:
    asked = form.cleaned_data
    return grant_named(
        actor=actor,
        principal=asked["principal"],
        place=asked["object"],
        rights=form.chosen(),
        expires_at=form.ends_at(now),
        limits=form.limits(),
        reason=asked["reason"],
        now=now,
    )


@page
def change_grant(request: HttpRequest, grant_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    """Another in its place: whom it is for, and on what, stay."""
    found = grants.grant(actor=actor, grant_id=grant_id, action="grant.created", now=now)
    require(may_revoke(actor=actor, grant=found, now=now), action="grant.created", thing=found)
    fixed = {"principal": found.principal_name, "object": found.object_name}
    data = posted(request)
    if data is not None:
        data = data.copy()
        data.update(fixed)
    form = GrantForm(data, initial={**fixed, **_as_it_is(found)})
    for name in fixed:
        form.fields[name].widget.attrs["readonly"] = True
    if form.is_valid():
        with refusals_shown_in(form, actor=actor, now=now):
            ends_at, reason = form.ends_at(now), form.cleaned_data["reason"]
            more = {"rights": form.chosen(), "limits": form.limits(), "expires_at": ends_at, "reason": reason}
            replace(actor=actor, old=found, now=now, **more)
            messages.success(request, _("Changed. It holds from the next click on."))
            return redirect("access")
    return render(request, "web/new_grant.html", {"form": form, "changed": found}, status=form.status)


def _as_it_is(grant: Grant) -> dict[str, Any]:
    role = next((name for name, bundle in ROLES.items() if set(bundle) == set(grant.rights)), SINGLE)
    known = {"role": role, "rights": grant.rights, "reason": grant.reason}
    return {**known, "until": grant.expires_at, "lasts": FOREVER, **shown_limits(grant.limits)}
