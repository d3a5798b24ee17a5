"""Conditions and selectors of authors, in CEL: checked when a definition is written, evaluated over plain data.

The library is Google's own: unknown names and impossible types are found at once, regular expressions are RE2, and
nesting and iterations are limited, so that a condition can't stall whoever evaluates it. What the library does not
limit is refused here: text that grows with each turn of a loop, and lists that hold one another.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cel_expr_python import cel

from runbooks.domain.moments import instant_of
from runbooks.domain.ports import JsonValue

MAX_CONDITION_LENGTH = 1000

# By words alone, also inside of texts: where texts end must not be a matter of opinion between us and the library.
_LOOP, _MAKES_LISTS = re.compile(r"\b(map|filter|all|exists|exists_one|existsOne)\b"), re.compile(r"\bmap\b")
_STATUS = re.compile(r"([A-Z_]+: )?([^:]*)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Vocabulary:
    """The names that a kind of condition may use; each says in `docs/writing-a-runbook.md` what it holds."""

    strings: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()  # of text
    maps: tuple[str, ...] = ()  # from text to anything
    times: tuple[str, ...] = ()


FLOW = Vocabulary(maps=("params", "steps"), times=("now",))  # `when`, `until`
SO_FAR = Vocabulary(maps=("params", "steps"))  # `at`, values for other runbooks: the same whenever it is asked
START = Vocabulary(maps=("params",))  # keys of concurrency: what is known when a run is asked for
APPROVAL = Vocabulary(strings=("trigger",), lists=("targets",), maps=("params", "actor"), times=("now",))
NODES = Vocabulary(strings=("name",), lists=("tags",), maps=("attributes", "params"))  # one node at a time


_WORDS = {"bool": "true or false", "string": "a text", "moment": "a moment"}
_TYPES = {
    "bool": ("bool",),
    "string": ("string",),
    "moment": ("timestamp", "string"),
}


class ConditionFailed(Exception):
    """The condition could not be evaluated over these values."""


def condition_problem(text: str, *, vocabulary: Vocabulary, result: str = "bool") -> str | None:
    """What is wrong with TEXT as it is written, in a sentence; RESULT is what it has to give."""
    if len(text) > MAX_CONDITION_LENGTH:
        return f"Keep a condition under {MAX_CONDITION_LENGTH} characters."
    if grows := _growth(text):
        return grows
    try:
        found = _compiled(text, vocabulary).return_type().name()
    except RuntimeError as error:
        return f"This is no CEL expression that can be evaluated here: {_first_line(error)}."
    if result != "any" and found.lower() not in {*_TYPES[result], "dyn"}:
        return f"This must be {_WORDS[result]}, and it is of the type {found}."
    return None


def holds(text: str, *, vocabulary: Vocabulary, values: Mapping[str, JsonValue | datetime]) -> bool:
    """Raises ConditionFailed, with the reason, where it is neither true nor false over these values."""
    found = _value(text, vocabulary=vocabulary, values=values)
    if not isinstance(found, bool):
        raise ConditionFailed(f"“{text}” is neither true nor false here, but {_kind(found)}")
    return found


def text_of(text: str, *, vocabulary: Vocabulary, values: Mapping[str, JsonValue | datetime]) -> str:
    """The value as text, for keys. Raises ConditionFailed."""
    found = _value(text, vocabulary=vocabulary, values=values)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise ConditionFailed(f"“{text}” gives no text here, but {_kind(found)}")
    return str(found)


def value_of(text: str, *, vocabulary: Vocabulary, values: Mapping[str, JsonValue | datetime]) -> JsonValue:
    """The value as JSON has it; a moment as RFC 3339 writes it. Raises ConditionFailed."""
    found = _value(text, vocabulary=vocabulary, values=values)
    if isinstance(found, datetime):
        return moment_of(text, vocabulary=vocabulary, values=values).isoformat()
    if found is not None and not isinstance(found, bool | int | float | str | list | dict):
        raise ConditionFailed(f"“{text}” gives nothing that a parameter can take: {found}")
    return found


def moment_of(text: str, *, vocabulary: Vocabulary, values: Mapping[str, JsonValue | datetime]) -> datetime:
    """The value as an instant, in UTC; a text is read as parameters are. Raises ConditionFailed."""
    found = _value(text, vocabulary=vocabulary, values=values)
    moment = instant_of(found) if isinstance(found, str) else found
    if not isinstance(moment, datetime):
        raise ConditionFailed(f"“{text}” gives no moment here: {found}")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _value(text: str, *, vocabulary: Vocabulary, values: Mapping[str, JsonValue | datetime]) -> object:
    if grows := _growth(text):
        raise ConditionFailed(f"“{text}” can't be evaluated. {grows}")
    try:
        found = _compiled(text, vocabulary).eval(data=values)
        if found.type() == cel.Type.ERROR:
            raise ConditionFailed(f"“{text}” can't be evaluated: {_without_values(str(found.value()), text)}")
        return found.plain_value()
    except RuntimeError as error:
        told = _without_values(_first_line(error), text)
        raise ConditionFailed(f"“{text}” can't be evaluated: {told}") from None


def _growth(text: str) -> str | None:
    """Why evaluating TEXT could take any amount of memory or time, in a sentence."""
    if _LOOP.search(text) and "+" in text:
        return "A condition that goes through a list can't also use “+”."
    if len(_MAKES_LISTS.findall(text)) > 1:
        return "A condition can use “map” only once."
    return None


def _kind(value: object) -> str:
    """What it is, not what it says: a condition looks at outputs, and those are not for everybody who sees a run."""
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a map"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "something else")


def _without_values(said: str, text: str) -> str:
    """What the library said, without what it quotes from values; a name that TEXT itself has may stay."""
    found = _STATUS.fullmatch(said)
    assert found is not None
    status, what, quoted = found.groups()
    stays = not quoted or quoted.strip(': "') in text
    return f"{status or ''}{what.strip()}{quoted if stays else ''}"


@lru_cache(maxsize=500)
def _compiled(text: str, vocabulary: Vocabulary) -> cel.Expression:
    return _environment(vocabulary).compile(text)


@lru_cache
def _environment(vocabulary: Vocabulary) -> cel.Env:
    kinds = [
        (vocabulary.strings, cel.Type.STRING),
        (vocabulary.lists, cel.Type.List(cel.Type.STRING)),
        (vocabulary.maps, cel.Type.Map(cel.Type.STRING, cel.Type.DYN)),
        (vocabulary.times, cel.Type.TIMESTAMP),
    ]
    return cel.NewEnv(variables={name: kind for names, kind in kinds for name in names})


def _first_line(error: RuntimeError) -> str:
    return str(error).partition("\n")[0].removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: <input>:")
