from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require_right
from runbooks.audit.record import record
from runbooks.models import Installation


def set_accepts_runs(*, actor: Actor, accepts: bool, reason: str = "", now: datetime) -> None:
    """The kill switch: off, nothing new starts anywhere, whoever triggers. Raises NotAllowed."""
    place = installation()
    require_right(actor=actor, right="administer", place=place, action="kill_switch.set", now=now)
    with transaction.atomic():
        Installation.objects.filter(pk=place.pk).update(accepts_runs=accepts)
        details = {"accepts_runs": accepts}
        record(actor=actor, action="kill_switch.set", thing=place, reason=reason, details=details, now=now)
