"""Between the look and the click a version was published, perhaps, or a node added: then nothing starts."""

from dataclasses import replace

from runbooks.domain.plan import GIVEN, Plan
from runbooks.usecases.conflict import Conflict

TO_BE_SEALED = "to be sealed at the start"


def require_seen(plan: Plan, *, plan_hash: str) -> None:
    """PLAN_HASH as a preview told it; "": nobody looked. Raises Conflict."""
    if plan_hash and as_previewed(plan).hash != plan_hash:
        detail = "What would happen now is not what you looked at: look again (dry_run), then start that."
        raise Conflict(detail, code="plan_changed")


def as_previewed(plan: Plan) -> Plan:
    """Values of secret parameters are sealed only at the start, each time anew."""
    seals = {GIVEN + name: TO_BE_SEALED for name in plan.seals}
    return replace(plan, secrets={**plan.secrets, **seals})
