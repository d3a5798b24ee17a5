"""Kill switches of single projects and runbooks; that of the installation is `installation.kill_switch`."""

from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.audit.record import record
from runbooks.models import Installation
from runbooks.usecases.guardrails.places import Guarded, require_may_guard
from runbooks.usecases.installation.kill_switch import set_accepts_runs
from runbooks.usecases.reasons import checked_reason


def switch(*, actor: Actor, place: Guarded, accepts: bool, reason: str, now: datetime) -> None:
    """Off, no run of it starts and no further step, whoever triggers. Raises NotAllowed and Invalid."""
    if isinstance(place, Installation):
        set_accepts_runs(actor=actor, accepts=accepts, reason=checked_reason(reason), now=now)
        return
    require_may_guard(actor=actor, place=place, action="kill_switch.set", now=now)
    reason = checked_reason(reason)
    with transaction.atomic():
        off = {"stopped_at": now, "stopped_by": actor.user, "stop_reason": reason}
        type(place)._default_manager.filter(pk=place.pk).update(**(dict.fromkeys(off) if accepts else off))
        details = {"accepts_runs": accepts}
        record(actor=actor, action="kill_switch.set", thing=place, reason=reason, details=details, now=now)
