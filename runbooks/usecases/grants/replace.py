"""Changing a grant: another in its place. The old one is revoked, so that what held when stays answerable."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.models import Grant
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.grants.grant import grant
from runbooks.usecases.grants.revoke import revoke


def replace(
    *,
    actor: Actor,
    old: Grant,
    rights: Sequence[str],
    expires_at: datetime | None,
    limits: Mapping[str, object],
    reason: str,
    now: datetime,
) -> Grant:
    """To the same principal on the same object; the same again changes nothing. Runs that counted for the old one do
    not count for the new one. Raises what `grant` and `revoke` raise."""
    if old.revoked_at or (old.expires_at and old.expires_at <= now):
        raise Conflict("This grant has ended: give a new one.", code="ended")
    principal = old.user or old.group
    assert principal is not None
    with transaction.atomic():
        made = grant(
            actor=actor,
            principal=principal,
            place=old.place,
            rights=rights,
            expires_at=expires_at,
            limits=limits,
            reason=reason,
            now=now,
        )
        if made.pk != old.pk:
            revoke(actor=actor, grant=old, reason=reason, now=now)
    return made
