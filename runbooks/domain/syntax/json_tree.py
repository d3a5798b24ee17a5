"""What a tree of parsed JSON or YAML may hold, so that it can be stored, passed on and read again exactly.

That is I-JSON (RFC 7493) without NUL characters, and a limit on depth. Nothing here is recursive.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from runbooks.domain.problems import MOST_PROBLEMS, Problem, pointer_to, shown

MAX_DEPTH = 32
MAX_KEY_LENGTH = 200  # a pointer repeats its keys: without a limit a short body could make a very long answer
MAX_NUMBER = 2**53 - 1  # beyond it, programs that keep numbers as doubles read another value

_UNWANTED = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Unreadable:
    """Stands in a tree for what a parser could not turn into a value, until its pointer is known."""

    code: str
    detail: str


class RepeatedKeys(dict[str, object]):
    """An object whose text named some keys more than once."""

    repeated: tuple[str, ...] = ()


class _Place(NamedTuple):
    """A node's way to the root: the pointer is put together only where there is a problem."""

    parent: "_Place | None"
    token: str | int


NOT_FINITE = Unreadable("number_not_finite", "Infinity and NaN are not numbers that JSON knows.")
OUT_OF_RANGE = Unreadable("number_out_of_range", f"Numbers must lie between -{MAX_NUMBER} and {MAX_NUMBER}.")


def problems_in_tree(tree: object, *, max_depth: int = MAX_DEPTH) -> tuple[Problem, ...]:
    """Everything in TREE that cannot be kept and passed on exactly, in the order of the document."""
    return tuple(islice(_walk(tree, max_depth), MOST_PROBLEMS))


def check_text(value: str, *, pointer: str = "") -> list[Problem]:
    """Refuses what no database, no environment variable and no UTF-8 file can carry."""
    found = _UNWANTED.search(value)
    if found is None:
        return []
    place = f"character {found.start() + 1}"
    if found.group() == "\0":
        return [Problem(pointer, "nul_character", f"Text must not hold a NUL character ({place}).")]
    return [Problem(pointer, "lone_surrogate", f"Text must not hold half of a surrogate pair ({place}).")]


def check_number(value: int | float, *, pointer: str = "") -> list[Problem]:
    """Refuses numbers that some program on the way would read as another number."""
    if isinstance(value, float) and not math.isfinite(value):
        return [Problem(pointer, NOT_FINITE.code, NOT_FINITE.detail)]
    if abs(value) > MAX_NUMBER:
        return [Problem(pointer, OUT_OF_RANGE.code, OUT_OF_RANGE.detail)]
    return []


def check_key(key: object, *, pointer: str = "") -> list[Problem]:
    """POINTER is that of the object, since a key that is refused cannot always be part of a pointer."""
    if not isinstance(key, str):
        return [
            Problem(
                pointer,
                "key_not_text",
                f"Names of fields must be text; put {json.dumps(key, default=str)[:60]} in quotes.",
            )
        ]
    if len(key) > MAX_KEY_LENGTH:
        return [Problem(pointer, "key_too_long", f"Names of fields have at most {MAX_KEY_LENGTH} characters.")]
    if _UNWANTED.search(key):
        detail = f"The name of the field {shown(key)} holds a NUL character or half of a surrogate pair."
        return [Problem(pointer, "bad_key", detail)]
    return []


def too_deep(pointer: str, max_depth: int) -> Problem:
    return Problem(pointer, "too_deep", f"Lists and objects may lie at most {max_depth} deep in each other.")


def repeated_key(pointer: str) -> Problem:
    return Problem(pointer, "repeated_key", "This field is given more than once.")


def _walk(tree: object, max_depth: int) -> Iterator[Problem]:
    waiting: list[tuple[_Place | None, int, object]] = [(None, 0, tree)]
    while waiting:
        place, depth, value = waiting.pop()
        if not isinstance(value, dict | list):
            yield from _leaf_problems(place, value)
        elif depth >= max_depth:
            yield too_deep(_pointer(place), max_depth)
        elif isinstance(value, list):
            waiting.extend((_Place(place, n), depth + 1, value[n]) for n in reversed(range(len(value))))
        else:
            yield from _key_problems(place, value)
            waiting.extend((_Place(place, key), depth + 1, value[key]) for key in reversed(value) if not check_key(key))


def _key_problems(place: _Place | None, value: dict[object, object]) -> Iterator[Problem]:
    for key in value:
        for problem in check_key(key):
            yield replace(problem, pointer=_pointer(place))
    if isinstance(value, RepeatedKeys):
        yield from (repeated_key(_pointer(_Place(place, key))) for key in value.repeated if not check_key(key))


def _leaf_problems(place: _Place | None, value: object) -> list[Problem]:
    if value is None or isinstance(value, bool):
        return []
    if isinstance(value, str):
        problems = check_text(value)
    elif isinstance(value, int | float):
        problems = check_number(value)
    elif isinstance(value, Unreadable):
        problems = [Problem("", value.code, value.detail)]
    else:
        problems = [Problem("", "not_json", f"JSON has no values of the kind {type(value).__name__}.")]
    return [replace(problem, pointer=_pointer(place)) for problem in problems]


def _pointer(place: _Place | None) -> str:
    tokens: list[str | int] = []
    while place is not None:
        tokens.append(place.token)
        place = place.parent
    return pointer_to(*reversed(tokens))
