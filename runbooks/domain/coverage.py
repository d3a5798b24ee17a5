"""Whether limits cover what is asked for, and if not, why: sentences with names and numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from runbooks.domain.conditions import START, ConditionFailed, holds
from runbooks.domain.limits import Limits, ValueLimit, as_text
from runbooks.domain.machines.selectors import NodeFacts, selected
from runbooks.domain.patterns import matches_whole
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import shown

NAMED = 5
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    """What somebody wants to run. Without values and nodes only the rest is looked at: nobody has said them yet."""

    now: datetime
    trigger: str
    values: Mapping[str, JsonValue] | None = None
    nodes: Sequence[NodeFacts] | None = None


@dataclass(frozen=True)
class Refusal:
    """Why not. What passes away by itself can be passed by breaking the glass."""

    sentence: str
    passes: bool = False


@dataclass(frozen=True)
class Judged:
    """One grant, by its name, and why it does not cover what is asked for."""

    name: str
    refusals: tuple[Refusal, ...] = field(default=())


def refusals(limits: Limits, asked: Asked, *, used: Sequence[datetime] = ()) -> tuple[Refusal, ...]:
    """USED are the moments of the runs that count, the last first."""
    found: list[Refusal] = []
    if asked.values is not None:
        found += [Refusal(one) for one in _of_values(limits, asked.values)]
    if asked.nodes is not None:
        found += [Refusal(one) for one in _of_nodes(limits, asked.nodes)]
    if limits.triggers and asked.trigger not in limits.triggers:
        found.append(Refusal(f"only by {', '.join(limits.triggers)}, and this comes by {asked.trigger}"))
    if limits.hours and not limits.hours.holds(asked.now):
        begin = limits.hours.next_begin(asked.now)
        again = f"; the next time is {limits.hours.shown(begin)}" if begin else ""
        there = limits.hours.shown(asked.now)
        found.append(Refusal(f"only {limits.hours.words()}, and it is {there} there{again}", passes=True))
    return (*found, *_of_counts(limits, asked.now, used))


def reasons(judged: Sequence[Judged]) -> list[str]:
    """Why none of the grants covers it."""
    if len(judged) == 1:
        return [f"Your right to run this is limited: {_joined(judged[0])}."]
    return [f"Your right to run this by {one.name} is limited: {_joined(one)}." for one in judged]


def refuses(limit: ValueLimit, value: JsonValue) -> bool:
    """Of several values each has to be covered."""
    if isinstance(value, list):
        return not value or any(refuses(limit, one) for one in value)
    if limit.among is not None:
        return not any(_same(value, one) for one in limit.among)
    return not matches_whole(limit.pattern or "", as_text(value))


def never_fits(limits: Limits, name: str, value: JsonValue) -> bool:
    """Whether no run with this value of this parameter is covered, whatever the others are."""
    if name in limits.values and refuses(limits.values[name], value):
        return True
    if not limits.when:
        return False
    try:
        return not holds(limits.when, vocabulary=START, values={"params": {name: value}})
    except ConditionFailed:
        return False  # it looks at the others too


def _joined(judged: Judged) -> str:
    return "; ".join(refusal.sentence for refusal in judged.refusals)


def _of_values(limits: Limits, values: Mapping[str, JsonValue]) -> Iterator[str]:
    for name, limit in limits.values.items():
        if name not in values:
            yield f"{name} has to be given"
        elif refuses(limit, values[name]):
            yield f"{name} may be {_allowed(limit)}, not {shown(as_text(values[name]))}"
    if limits.when:
        try:
            if not holds(limits.when, vocabulary=START, values={"params": dict(values)}):
                yield f"only where {limits.when}"
        except ConditionFailed as error:
            yield f"only where {limits.when}, which can't be told here ({error})"


def _allowed(limit: ValueLimit) -> str:
    if limit.among is not None:
        return " or ".join(as_text(value) for value in limit.among)
    return f"like {limit.pattern}"


def _of_nodes(limits: Limits, nodes: Sequence[NodeFacts]) -> Iterator[str]:
    if limits.nodes:
        covered = {node.id for node in selected(limits.nodes, nodes=nodes).nodes}
        outside = [node.name for node in nodes if node.id not in covered]
        if outside:
            more = f" and {len(outside) - NAMED} more" if len(outside) > NAMED else ""
            yield f"it does not cover {', '.join(outside[:NAMED])}{more}, only nodes {limits.nodes}"
    if limits.max_nodes is not None and len(nodes) > limits.max_nodes:
        yield f"at most {limits.max_nodes} of the nodes at a time, and these are {len(nodes)}"


def _of_counts(limits: Limits, now: datetime, used: Sequence[datetime]) -> Iterator[Refusal]:
    for most, length, words in ((limits.per_hour, HOUR, "this hour"), (limits.per_day, DAY, "this day")):
        if most is None:
            continue
        found = [moment for moment in used if moment > now - length]
        if len(found) >= most:
            again = found[most - 1] + length
            yield Refusal(f"{len(found)} of {most} {words}; the next at {clock(again, now)}", passes=True)


def clock(moment: datetime, now: datetime) -> str:
    """Rounded up: at the minute that it says it is so."""
    up = (moment + timedelta(seconds=59, microseconds=999_999)).replace(second=0, microsecond=0)
    return f"{up:%H:%M} UTC" if up.date() == now.date() else f"{up:%Y-%m-%d %H:%M} UTC"


def _same(value: JsonValue, other: JsonValue) -> bool:
    return isinstance(value, bool) == isinstance(other, bool) and value == other
