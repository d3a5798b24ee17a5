"""Handing out rights by the names that people and programs write."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.access.names import place_named, principal_named
from runbooks.access.rights import rights_on
from runbooks.domain.policy import grant_of
from runbooks.models import Grant
from runbooks.usecases.grants.grant import grant


def grant_named(
    *,
    actor: Actor,
    principal: str,
    place: str,
    rights: Sequence[str],
    expires_at: datetime | None,
    limits: Mapping[str, object] | None = None,
    reason: str,
    now: datetime,
) -> Grant:
    """Raises Hidden for the place, and what `grant` raises. Who may not grant there does not learn who exists."""
    where = place_named(actor=actor, text=place, pointer="/object", action="grant.created", now=now)
    held = rights_on(actor=actor, place=where, now=now)
    require(grant_of(rights=(), held=held, to_oneself=False), action="grant.created", thing=where)
    to = principal_named(text=principal, pointer="/principal")
    return grant(
        actor=actor,
        principal=to,
        place=where,
        rights=rights,
        expires_at=expires_at,
        limits=limits,
        reason=reason,
        now=now,
    )
