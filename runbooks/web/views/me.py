"""One's own account: rights, service accounts, tokens, sign-in."""

from datetime import datetime
from typing import ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from runbooks.access.actors import Actor
from runbooks.domain.rights import RIGHT_TITLES
from runbooks.models import Endpoint, TokenKind
from runbooks.queries import people
from runbooks.usecases.notifications.ways import NOTHING_CHOSEN, choices_of
from runbooks.usecases.people.tokens import issue, revoke_token
from runbooks.web.acting import ActForm, refusals_shown_in
from runbooks.web.forms.notifications import ChoiceForm
from runbooks.web.lasting import Lasting
from runbooks.web.pages import page
from runbooks.web.views.person import held_by

KINDS = [
    (TokenKind.API, gettext_lazy("A program that calls the API")),
    (TokenKind.CLI, gettext_lazy("The command line")),
    (TokenKind.AGENT, gettext_lazy("An AI agent")),
]


class TokenForm(Lasting, ActForm):
    pointers: ClassVar[dict[str, str]] = {"expires_at": "until"}
    field_order = ("name", "user", "kind", "scopes", "lasts", "until")

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=100, help_text=gettext_lazy("What it is for, and where it will lie.")
    )
    user = forms.ChoiceField(label=gettext_lazy("Account"))
    kind = forms.ChoiceField(label=gettext_lazy("Used by"), choices=KINDS)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Limited to"),
        required=False,
        choices=[(right, f"{right}: {title}") for right, title in RIGHT_TITLES.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: all that the account may do. Never more than that."),
    )


@page
def me(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    return _shown(request, form=_form(actor), actor=actor, now=now)


@require_POST
@page
def issue_token(request: HttpRequest, *, actor: Actor, now: datetime) -> HttpResponse:
    """The answer itself shows the token's text: it is kept nowhere from which a later page could take it."""
    form = _form(actor, request)
    if form.is_valid():
        asked = form.cleaned_data
        with refusals_shown_in(form, actor=actor, now=now):
            token, text = issue(
                by=actor,
                user=people.account(actor=actor, name=asked["user"], action="token.issued", now=now),
                name=asked["name"],
                scopes=asked["scopes"],
                expires_at=form.ends_at(now),
                kind=TokenKind(asked["kind"]),
                now=now,
            )
            return _shown(request, form=_form(actor), actor=actor, now=now, issued=token, text=text)
    return _shown(request, form=form, actor=actor, now=now)


@require_POST
@page
def revoke_my_token(request: HttpRequest, token_id: str, *, actor: Actor, now: datetime) -> HttpResponse:
    token = people.token(actor=actor, token_id=token_id, now=now)
    revoke_token(actor=actor, token=token, now=now)
    messages.success(request, _("The token is dead."))
    mine = token.user.person_id == actor.user.pk
    return redirect("me") if mine else redirect("person", name=token.user.username)


def _form(actor: Actor, request: HttpRequest | None = None) -> TokenForm:
    form = TokenForm(request.POST if request else None, initial={"lasts": "90d", "user": actor.name})
    mine = [actor.name, *actor.user.service_accounts.order_by("username").values_list("username", flat=True)]
    form.fields["user"].choices = [(name, name) for name in mine]  # type: ignore[attr-defined]  # a ChoiceField
    return form


def choice_form(actor: Actor, request: HttpRequest | None = None) -> ChoiceForm:
    """How one is told, as it is now or as it was posted."""
    chosen = choices_of([actor.user]).get(actor.user.pk, NOTHING_CHOSEN)
    own = Endpoint.objects.filter(person=actor.user, archived_at=None).order_by("slug")
    now_so = {name: getattr(chosen, name) for name in ("pace", "requested", "by_email")}
    return ChoiceForm(
        request.POST if request else None,
        own=[(one.slug, one.title) for one in own],
        initial={**now_so, "endpoints": [one.slug for one in chosen.endpoints]},
    )


def shown_me(request: HttpRequest, *, choice: ChoiceForm, actor: Actor, now: datetime) -> HttpResponse:
    """The page, with a refused choice in it."""
    answer = _shown(request, form=_form(actor), actor=actor, now=now, choice=choice)
    answer.status_code = choice.status
    return answer


def _shown(request: HttpRequest, *, form: TokenForm, actor: Actor, now: datetime, **more: object) -> HttpResponse:
    tokens = people.tokens(actor=actor).order_by("-pk")
    context = {
        "form": form,
        "choice": choice_form(actor) if "choice" not in more else None,
        "tokens": [{"token": one, "holds": one.expires_at is None or one.expires_at > now} for one in tokens],
        "grants": held_by(actor.user, actor=actor, now=now),
        "owns": actor.user.service_accounts.order_by("username"),
        **more,
    }
    answer = render(request, "web/me.html", context, status=form.status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
