"""Taking rights back."""

from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.access.rights import rights_on
from runbooks.audit.record import record
from runbooks.domain.policy import Decision, unless
from runbooks.models import Grant
from runbooks.usecases.conflict import Conflict


def revoke(*, actor: Actor, grant: Grant, reason: str = "", now: datetime) -> None:
    """Whoever may grant on the object may revoke there, their own rights too. Raises NotAllowed and Conflict."""
    require(may_revoke(actor=actor, grant=grant, now=now), action="grant.revoked", thing=grant)
    with transaction.atomic():
        won = Grant.objects.filter(pk=grant.pk, revoked_at=None).update(revoked_at=now, revoked_by=actor.user)
        if not won:
            raise Conflict("This grant was revoked already.", code="already_revoked")
        details = {"rights": grant.rights}
        record(actor=actor, action="grant.revoked", thing=grant, reason=reason, details=details, now=now)


def may_revoke(*, actor: Actor, grant: Grant, now: datetime) -> Decision:
    held = rights_on(actor=actor, place=grant.place, now=now)
    return unless(None if {"grant", "administer"} & held else "Revoking needs the right “grant” on the object.")
