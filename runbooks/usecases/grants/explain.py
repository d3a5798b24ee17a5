"""May somebody, and why not: rights, and the limits of the grants that give them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.held import Place
from runbooks.access.rights import limited_by, may
from runbooks.domain.limits import Limits, in_words, limits_of
from runbooks.domain.policy import Decision
from runbooks.domain.ports import JsonValue
from runbooks.models import Grant, Runbook
from runbooks.usecases.grants.cover import Wanted, cover_of, grants_named, named


@dataclass(frozen=True)
class Explanation:
    decision: Decision
    limits: tuple[str, ...] = ()  # of each grant, where all of them are limited


def explained(
    *, actor: Actor, right: str, place: Place, values: Mapping[str, JsonValue] | None = None, now: datetime
) -> Explanation:
    """VALUES, if they are known already, are looked at as they are."""
    decision = may(actor=actor, right=right, place=place, now=now)
    if decision and right == "run" and isinstance(place, Runbook):
        cover = cover_of(actor=actor, runbook=place, wanted=Wanted(values=values), now=now)
        decision = decision & cover.decision
    return Explanation(decision, limits_told(actor=actor, right=right, place=place, now=now))


def limits_told(*, actor: Actor, right: str, place: Place, now: datetime) -> tuple[str, ...]:
    """A sentence for each grant; none where one of them is without limits."""
    keys = limited_by(actor=actor, right=right, place=place, now=now)
    return tuple(_told(grant) for grant in (grants_named(keys) if keys else ()))


def limits_held(*, actor: Actor, runbook: Runbook, now: datetime) -> list[Limits]:
    """Of each grant that gives the right to run it; nothing where one of them is without limits."""
    keys = limited_by(actor=actor, right="run", place=runbook, now=now)
    return [limits_of(grant.limits) for grant in (grants_named(keys) if keys else ())]


def _told(grant: Grant) -> str:
    until = f"; until {grant.expires_at:%Y-%m-%d %H:%M} UTC" if grant.expires_at else ""
    return f"By {named(grant)}: {in_words(limits_of(grant.limits))}{until}."
