"""Which machines are meant: a condition in CEL, or a query of tags such as "role=payments-worker !drained"."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from runbooks.domain.conditions import NODES, ConditionFailed, condition_problem, holds
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Invalid, Problem, shown

MAX_QUERY_LENGTH = 1000
_WORD = re.compile(r"(!?)(\*|[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*)(?:(!?=)([A-Za-z0-9_.:/@+-]+))?")


@dataclass(frozen=True)
class NodeFacts:
    """What a selector may look at."""

    name: str
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass
class Selection:
    """The machines that a selector means, in the order in which they were given."""

    nodes: list[NodeFacts] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  # why it could not be evaluated for others


def selector_problem(text: str) -> str | None:
    """What is wrong with a selector as it is written, in a sentence."""
    in_cel = condition_problem(text, vocabulary=NODES)
    if in_cel is None or _words(text) is not None:
        return None
    return f"{in_cel} A query of tags would be words such as role=worker, web or !drained."


def selected(
    text: str,
    *,
    nodes: Iterable[NodeFacts],
    params: Mapping[str, JsonValue] | None = None,
    go_on: Callable[[], bool] = lambda: True,
) -> Selection:
    """Where it can't be evaluated for a machine, because that lacks the attribute, the machine is not meant. GO_ON is
    asked before each: what is quick for one takes long for ten thousand. Raises Invalid once it says no."""
    matches, found = _matcher(text), Selection()
    for node in nodes:
        if not go_on():
            raise Invalid([Problem("", "too_slow", f"{shown(text, most=200)} takes too long for this many nodes.")])
        try:
            if matches(node, params or {}):
                found.nodes.append(node)
        except ConditionFailed as failure:
            found.failures.append(f"{node.name}: {failure}")
    return found


Matcher = Callable[[NodeFacts, Mapping[str, JsonValue]], bool]


@lru_cache(maxsize=500)
def _matcher(text: str) -> Matcher:
    """CEL where it is that; `web` alone is none, since there is no such name."""
    words = _query(text)
    if words is not None:
        return lambda node, params: all(_word_fits(word, node) for word in words)
    return lambda node, params: holds(text, vocabulary=NODES, values=_values(node, params))


def is_narrower(text: str, than: str) -> bool:
    """Whether both are queries of tags, and the first has all words of the other: all of them have to fit."""
    mine, other = _query(text), _query(than)
    return mine is not None and other is not None and set(other) <= set(mine)


def _query(text: str) -> "tuple[_Word, ...] | None":
    """The words, where this is no CEL."""
    words = _words(text)
    return words if words is not None and condition_problem(text, vocabulary=NODES) is not None else None


def _values(node: NodeFacts, params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    attributes: JsonValue = dict(node.attributes)
    return {"name": node.name, "tags": list(node.tags), "attributes": attributes, "params": dict(params)}


@dataclass(frozen=True)
class _Word:
    wanted: bool
    name: str
    value: str | None


def _words(text: str) -> tuple[_Word, ...] | None:
    """None where this is no query of tags."""
    if len(text) > MAX_QUERY_LENGTH:
        return None
    found = [_WORD.fullmatch(word) for word in text.replace(",", " ").split()]
    if not found:
        return None
    words = []
    for one in found:
        if one is None:
            return None
        negated, name, equals, value = one.groups()
        words.append(_Word(wanted=bool(negated) == (equals == "!="), name=name, value=value))
    return tuple(words)


def _word_fits(word: _Word, node: NodeFacts) -> bool:
    if word.value is None:
        there = word.name in {"*", node.name} or word.name in node.tags
    else:
        there = node.attributes.get(word.name) == word.value or f"{word.name}={word.value}" in node.tags
    return there == word.wanted


def nothing_matches(text: str, selection: Selection) -> str:
    """The sentence for a selector that means no machine."""
    why = f" For {len(selection.failures)} it could not be told: {selection.failures[0]}" if selection.failures else ""
    return f"No node that you may use here matches {shown(text, most=200)}.{why}"
