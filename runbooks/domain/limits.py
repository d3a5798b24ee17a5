"""What a grant is limited to: with which values, on which nodes, when, how often, and by which triggers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runbooks.domain.ports import JsonValue
from runbooks.domain.weekly import Weekly, weekly_of

NAMES = ("values", "when", "nodes", "max_nodes", "hours", "per_hour", "per_day", "triggers")
TRIGGERS = ("ui", "api", "cli", "agent", "schedule", "webhook", "runbook")


@dataclass(frozen=True)
class ValueLimit:
    """Of one parameter: one of these values, or a pattern for the whole of its text."""

    among: tuple[JsonValue, ...] | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Limits:
    """Empty fields limit nothing."""

    values: Mapping[str, ValueLimit] = field(default_factory=dict)
    when: str = ""  # CEL over `params`
    nodes: str = ""  # a query of tags, or CEL
    max_nodes: int | None = None
    hours: Weekly | None = None
    per_hour: int | None = None  # within any sixty minutes
    per_day: int | None = None  # within any twenty-four hours
    triggers: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        return self.per_hour is not None or self.per_day is not None


def limits_of(fields: Mapping[str, Any]) -> Limits:
    """FIELDS are sound: see `limits_problems`."""
    return Limits(
        values={name: _value_limit(one) for name, one in fields.get("values", {}).items()},
        when=fields.get("when", ""),
        nodes=fields.get("nodes", ""),
        max_nodes=fields.get("max_nodes"),
        hours=weekly_of(fields["hours"]) if "hours" in fields else None,
        per_hour=fields.get("per_hour"),
        per_day=fields.get("per_day"),
        triggers=tuple(one for one in TRIGGERS if one in fields.get("triggers", ())),
    )


def _value_limit(fields: Mapping[str, Any]) -> ValueLimit:
    return ValueLimit(among=tuple(fields["in"]) if "in" in fields else None, pattern=fields.get("pattern"))


def in_words(limits: Limits) -> str:
    """One readable line, without a full stop; nothing where nothing is limited."""
    return "; ".join(_parts(limits))


def _parts(limits: Limits) -> list[str]:
    parts = [_value_words(name, one) for name, one in limits.values.items()]
    if limits.when:
        parts.append(f"only where {limits.when}")
    if limits.nodes:
        parts.append(f"only nodes {limits.nodes}")
    if limits.max_nodes is not None:
        parts.append(f"at most {limits.max_nodes} node{'' if limits.max_nodes == 1 else 's'}")
    if limits.hours:
        parts.append(f"only {limits.hours.words()}")
    if limits.per_hour is not None:
        parts.append(f"at most {limits.per_hour} an hour")
    if limits.per_day is not None:
        parts.append(f"at most {limits.per_day} a day")
    if limits.triggers:
        parts.append(f"only by {', '.join(limits.triggers)}")
    return parts


def _value_words(name: str, limit: ValueLimit) -> str:
    if limit.among is not None:
        return f"{name} only {' or '.join(as_text(value) for value in limit.among)}"
    return f"{name} only like {limit.pattern}"


def as_text(value: JsonValue) -> str:
    """As people write it: true, 5, staging."""
    return str(value).lower() if isinstance(value, bool) else str(value)
