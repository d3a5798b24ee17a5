from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.domain.plan import Plan
from runbooks.models import Runbook
from runbooks.usecases.runs.start import Request, checked_values, may_start, plan_of
from runbooks.usecases.versions.draft import definition_of


def preview(*, actor: Actor, runbook: Runbook, request: Request, now: datetime) -> Plan:
    """What would happen, and nothing does. Raises as `start` would."""
    version = may_start(actor=actor, runbook=runbook, number=request.number, now=now)
    definition = definition_of(version)
    values = checked_values(definition=definition, request=request)
    return plan_of(version=version, definition=definition, values=values)
