"""Whether a person has just proven who they are, by their password or second factor, and the way to do so."""

from urllib.parse import urlencode

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate, get_reauthentication_flows
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse


def is_proven(request: HttpRequest) -> bool:
    """Who has nothing to prove it by never has: allauth itself lets them through."""
    return bool(get_reauthentication_flows(request.user)) and did_recently_reauthenticate(request)


def to_prove(*, back: str) -> HttpResponse:
    """To the page that asks for the password, and from there BACK."""
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")
