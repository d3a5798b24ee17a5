from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require_right
from runbooks.audit.record import record
from runbooks.domain.policy import words
from runbooks.domain.states import VERSION_MOVES, VersionState
from runbooks.models import Version
from runbooks.usecases.conflict import Conflict

OPEN = [state for state, moves in VERSION_MOVES.items() if VersionState.WITHDRAWN in moves]


def withdraw(*, actor: Actor, version: Version, now: datetime) -> None:
    """Takes a proposal back before it was ever published. Raises NotAllowed and Conflict."""
    require_right(actor=actor, right="edit", place=version.runbook, action="version.withdrawn", now=now)
    with transaction.atomic():
        moved = Version.objects.filter(pk=version.pk, state__in=OPEN).update(state=VersionState.WITHDRAWN)
        if not moved:
            version.refresh_from_db(fields=["state"])
            raise Conflict(f"This version is {words(version.state)} already.", code="wrong_state")
        record(actor=actor, action="version.withdrawn", thing=version, details={"hash": version.hash}, now=now)
    version.state = VersionState.WITHDRAWN
