"""What an endpoint may be: its kind, its address, its events, its secret. All that is wrong is told at once."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from runbooks.domain.addresses import NOTHING_ALLOWED, Allowed
from runbooks.domain.notices import EVENTS, TO
from runbooks.domain.problems import Problem, shown
from runbooks.domain.signing import BadSecret, key_of
from runbooks.models import EndpointKind
from runbooks.outgoing.web_addresses import LONGEST, BadAddress, callable_address

APPRISE = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30})://[\x21-\x7e]+")


@dataclass(frozen=True)
class Way:
    """An address that was accepted, taken apart."""

    address: str  # what of it everybody may see
    secret: str = field(default="", repr=False)  # the rest, or what to sign with


def allowed_to(*, of_person: bool) -> Allowed:
    """What is not public is called for places, by those who answer for them; never for whoever has an account."""
    return NOTHING_ALLOWED if of_person else settings.OPSAAS_OUTGOING_ALLOW


def address_problems(*, kind: str, address: str, of_person: bool) -> Iterator[Problem]:
    if kind == EndpointKind.PEOPLE:
        if not TO.fullmatch(address) or address.startswith("endpoint:"):
            detail = "Write “owners”, “auditors”, “requester”, “user:name” or “group:name”."
            yield Problem("/address", "invalid_recipient", detail)
    elif kind == EndpointKind.APPRISE:
        if len(address) > LONGEST or not APPRISE.fullmatch(address):
            yield Problem("/address", "invalid_address", "Write an address as Apprise has them, such as tgram://….")
    else:
        try:
            callable_address(address, allowed=allowed_to(of_person=of_person))
        except BadAddress as error:
            own = " For a way of your own that list does not count." if of_person else ""
            yield Problem("/address", "invalid_address", f"{error}{own}")


def secret_problems(*, kind: str, secret: str) -> Iterator[Problem]:
    if not secret:
        return
    if kind != EndpointKind.WEBHOOK:
        yield Problem("/secret", "not_applicable", "Only webhooks are signed: leave this out.")
        return
    try:
        key_of(secret)
    except BadSecret as error:
        yield Problem("/secret", "invalid_secret", str(error))


def event_problems(events: Sequence[str], *, of_person: bool) -> Iterator[Problem]:
    if of_person and events:
        yield Problem(
            "/events", "not_applicable", "What you are told of by your own way is what you chose: leave this out."
        )
    elif not events and not of_person:
        yield Problem("/events", "required", "Name at least one event to be told of.")
    for index, name in enumerate(events):
        if name not in EVENTS:
            detail = f"There is no event {shown(name)}; there are {', '.join(EVENTS)}."
            yield Problem(f"/events/{index}", "unknown_event", detail)


def way_to(*, kind: str, address: str, secret: str, of_person: bool) -> Way:
    """What is kept in clear of an address that is in order, and what is sealed."""
    if kind == EndpointKind.SLACK:
        return Way(callable_address(address, allowed=allowed_to(of_person=of_person)).authority, address)
    if kind == EndpointKind.APPRISE:
        return Way(address.partition("://")[0] + "://…", address)
    return Way(address, secret)
