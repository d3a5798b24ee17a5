from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require_right
from runbooks.audit.record import record
from runbooks.domain.policy import words
from runbooks.domain.states import VersionState
from runbooks.models import Version
from runbooks.usecases.conflict import Conflict


def submit(*, actor: Actor, version: Version, now: datetime) -> None:
    """Hands a draft in for review. Raises NotAllowed and Conflict."""
    require_right(actor=actor, right="edit", place=version.runbook, action="version.submitted", now=now)
    with transaction.atomic():
        moved = Version.objects.filter(pk=version.pk, state=VersionState.DRAFT).update(state=VersionState.IN_REVIEW)
        if not moved:
            version.refresh_from_db(fields=["state"])
            raise Conflict(f"Only a draft can be submitted; this one is {words(version.state)}.", code="wrong_state")
        record(actor=actor, action="version.submitted", thing=version, details={"hash": version.hash}, now=now)
    version.state = VersionState.IN_REVIEW
