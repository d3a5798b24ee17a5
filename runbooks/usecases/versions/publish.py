"""Making a reviewed version the one that runs by default."""

from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require, require_right
from runbooks.audit.record import record
from runbooks.domain.policy import publication_of
from runbooks.domain.states import VersionState
from runbooks.models import Runbook, Version
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.secrets.vouch import vouched
from runbooks.usecases.versions.draft import definition_of, show


def publish(*, actor: Actor, version: Version, now: datetime) -> None:
    """Raises NotAllowed and Conflict."""
    require_right(actor=actor, right="review", place=version.runbook, action="version.published", now=now)
    require(publication_of(state=VersionState(version.state)), action="version.published", thing=version)
    secrets = vouched(version=version, paths=definition_of(version).secrets.values(), publisher=actor, now=now)
    require(secrets, action="version.published", thing=version)
    with transaction.atomic():
        runbook = Runbook.objects.select_for_update(of=("self",)).select_related("project").get(pk=version.runbook_id)
        before = runbook.versions.filter(state=VersionState.PUBLISHED)
        replaced = list(before.values_list("number", flat=True))
        before.update(state=VersionState.SUPERSEDED)
        moved = Version.objects.filter(
            pk=version.pk, state__in=[VersionState.APPROVED, VersionState.SUPERSEDED]
        ).update(state=VersionState.PUBLISHED, published_at=now, published_by=actor.user)
        if not moved:
            raise Conflict("Somebody else changed this version in the meantime: look again.", code="wrong_state")
        show(runbook=runbook, definition=definition_of(version))
        details = {"hash": version.hash, "replaced": replaced}
        record(actor=actor, action="version.published", thing=version, details=details, now=now)
    version.state = VersionState.PUBLISHED
