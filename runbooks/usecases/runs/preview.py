from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.domain.parameters import apart
from runbooks.domain.plan import Plan
from runbooks.models import Runbook
from runbooks.usecases.grants.cover import Wanted
from runbooks.usecases.guardrails.at_start import covered
from runbooks.usecases.nodes.choose import chosen_targets
from runbooks.usecases.runs.calls import frozen_calls
from runbooks.usecases.runs.seen import TO_BE_SEALED
from runbooks.usecases.runs.start import Request, checked_values, may_start_as, plan_of


def preview(*, actor: Actor, runbook: Runbook, request: Request, now: datetime) -> Plan:
    """What would happen, and nothing does. Raises as `start` would."""
    version, definition = may_start_as(actor=actor, runbook=runbook, request=request, now=now)
    frozen = frozen_calls(actor=actor, version=version, now=now)
    checked = checked_values(definition=definition, request=request, high_risk=frozen.high_risk)
    values, hidden = apart(definition.parameters, checked)
    targets = chosen_targets(actor=actor, version=version, values=values, only=request.targets, now=now)
    wanted = Wanted(values=values, targets=targets, breaks_glass=request.breaks_glass)
    covered(actor=actor, runbook=runbook, wanted=wanted, now=now)
    seals = dict.fromkeys(hidden, TO_BE_SEALED)
    return plan_of(version=version, values=values, seals=seals, targets=targets, runbooks=frozen.planned)
