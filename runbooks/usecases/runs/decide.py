from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import NotAllowed
from runbooks.domain.policy import YES, Decision, no
from runbooks.models import Runbook
from runbooks.usecases.runs.calls import frozen_calls
from runbooks.usecases.runs.may_start import may_start


def decision_to_start(
    *, actor: Actor, runbook: Runbook, now: datetime, number: int | None = None, breaks_glass: bool = False
) -> Decision:
    """Whether `start` would take it, for the button that says so; asking is no attempt and leaves no trace."""
    try:
        version = may_start(actor=actor, runbook=runbook, number=number, breaks_glass=breaks_glass, now=now)
        frozen_calls(actor=actor, version=version, now=now)
    except NotAllowed as refusal:
        return no(*refusal.reasons)
    return YES
