"""Who may say where messages go: those who hand out rights there, since whoever is told learns of it."""

from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.access.held import Place
from runbooks.access.rights import described, may, rights_on
from runbooks.domain.policy import YES, Decision, unless
from runbooks.models import Delivery, Endpoint, TokenKind

NOT_IN_PERSON = (
    "How you are told, and what is sent to you again, is said by you: sign in, or use a token without scopes that is"
    " no agent's."
)


def in_person(actor: Actor) -> Decision:
    """Whether the credential speaks for the whole of the account: what only that may do has no right of its own."""
    limited = actor.token and (actor.token.scopes or actor.token.kind == TokenKind.AGENT)
    return unless(NOT_IN_PERSON if limited else None)


def place_of(endpoint: Endpoint) -> Place:
    return endpoint.runbook or endpoint.project or installation()


def may_change(*, actor: Actor, endpoint: Endpoint, now: datetime) -> Decision:
    if endpoint.person_id:
        mine = endpoint.person_id == actor.user.pk
        return in_person(actor) if mine else unless("This is another person's own way of being told.")
    return may_tell(actor=actor, place=place_of(endpoint), now=now)


def may_tell(*, actor: Actor, place: Place, now: datetime) -> Decision:
    held = {"grant", "administer"} & rights_on(actor=actor, place=place, now=now)
    return unless(None if held else f"This needs the right “grant” or “administer” on {described(place)}.")


def may_replay(*, actor: Actor, delivery: Delivery, now: datetime) -> Decision:
    """The recipient, whoever may change the endpoint, and administrators; in person."""
    if not (decision := in_person(actor)):
        return decision
    if delivery.recipient_id == actor.user.pk or may(actor=actor, right="administer", place=installation(), now=now):
        return YES
    if delivery.endpoint:
        return may_change(actor=actor, endpoint=delivery.endpoint, now=now)
    return unless("A message is sent again by its recipient or by an administrator.")


def require_may_change(*, actor: Actor, endpoint: Endpoint, action: str, now: datetime) -> None:
    require(may_change(actor=actor, endpoint=endpoint, now=now), action=action, thing=endpoint)
