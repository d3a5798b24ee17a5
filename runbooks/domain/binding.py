"""Which policy binds a run of a version that is not the published one: its own and the published one's together."""

from dataclasses import replace

from runbooks.domain.definition import Definition, Risk
from runbooks.domain.guardrails import stricter


def under(definition: Definition, *, published: Definition) -> Definition:
    """DEFINITION as it is, but that nobody gets round what was demanded since by running an older version."""
    return replace(
        definition,
        risk=Risk.HIGH if Risk.HIGH in {definition.risk, published.risk} else definition.risk,
        policy=replace(definition.policy, beside=published.policy),
        guardrails=stricter(definition.guardrails, published.guardrails),
    )
