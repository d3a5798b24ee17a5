"""Whether limits are at least as strict as others: one hands on no more than one holds.

Where it can't be told, as of two conditions in different words, they are not.
"""

from collections.abc import Iterator

from runbooks.domain.coverage import refuses
from runbooks.domain.limits import Limits, ValueLimit
from runbooks.domain.machines.selectors import is_narrower


def wider_than(limits: Limits, own: Limits) -> list[str]:
    """In which LIMITS allow more than OWN, or may; nothing where they are as strict."""
    return [*_in_values(limits, own), *_in_conditions(limits, own), *_in_numbers(limits, own), *_in_time(limits, own)]


def _in_values(limits: Limits, own: Limits) -> Iterator[str]:
    for name, mine in own.values.items():
        given = limits.values.get(name)
        if given is None or not _as_strict(given, mine):
            yield f"values of {name}"


def _as_strict(given: ValueLimit, mine: ValueLimit) -> bool:
    if given.among is not None:
        return not any(refuses(mine, value) for value in given.among)
    return given.pattern == mine.pattern


def _in_conditions(limits: Limits, own: Limits) -> Iterator[str]:
    if own.when and not _says(limits.when, own.when):
        yield f"the condition (write it as ({own.when}) && …)"
    if own.nodes and not _says(limits.nodes, own.nodes) and not is_narrower(limits.nodes, own.nodes):
        yield f"the nodes (write {own.nodes}, and more if you like)"


def _says(text: str, own: str) -> bool:
    """The same, or the same and more. What could turn the whole around is no more."""
    more = text.removeprefix(f"({own}) && ")
    return text == own or (more != text and "||" not in more and "?" not in more)


def _in_numbers(limits: Limits, own: Limits) -> Iterator[str]:
    for name, mine, given in (
        ("nodes at a time", own.max_nodes, limits.max_nodes),
        ("runs an hour", own.per_hour, limits.per_hour),
        ("runs a day", own.per_day, limits.per_day),
    ):
        if mine is not None and (given is None or given > mine):
            yield f"{name} (at most {mine})"


def _in_time(limits: Limits, own: Limits) -> Iterator[str]:
    if own.hours and (limits.hours is None or not limits.hours.within(own.hours)):
        yield f"hours ({own.hours.words()})"
    if own.triggers and (not limits.triggers or not set(limits.triggers) <= set(own.triggers)):
        yield f"triggers ({', '.join(own.triggers)})"
