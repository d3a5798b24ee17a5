"""Who may say where messages go: those who hand out rights there, since whoever is told learns of it."""

from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.access.held import Place
from runbooks.access.rights import described, may, rights_on
from runbooks.domain.policy import YES, Decision, unless
from runbooks.models import Delivery, Endpoint


def place_of(endpoint: Endpoint) -> Place:
    return endpoint.runbook or endpoint.project or installation()


def may_change(*, actor: Actor, endpoint: Endpoint, now: datetime) -> Decision:
    if endpoint.person_id:
        mine = endpoint.person_id == actor.user.pk
        return unless(None if mine else "This is another person's own way of being told.")
    return may_tell(actor=actor, place=place_of(endpoint), now=now)


def may_tell(*, actor: Actor, place: Place, now: datetime) -> Decision:
    held = {"grant", "administer"} & rights_on(actor=actor, place=place, now=now)
    return unless(None if held else f"This needs the right “grant” or “administer” on {described(place)}.")


def may_replay(*, actor: Actor, delivery: Delivery, now: datetime) -> Decision:
    """The recipient, whoever may change the endpoint, and administrators."""
    if delivery.recipient_id == actor.user.pk or may(actor=actor, right="administer", place=installation(), now=now):
        return YES
    if delivery.endpoint:
        return may_change(actor=actor, endpoint=delivery.endpoint, now=now)
    return unless("A message is sent again by its recipient or by an administrator.")


def require_may_change(*, actor: Actor, endpoint: Endpoint, action: str, now: datetime) -> None:
    require(may_change(actor=actor, endpoint=endpoint, now=now), action=action, thing=endpoint)
