"""JSON from outside: refused before it can do harm, with the place of every field that is wrong."""

import json
import re
from collections import Counter

from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.syntax.json_tree import (
    MAX_DEPTH,
    MAX_NUMBER,
    NOT_FINITE,
    OUT_OF_RANGE,
    RepeatedKeys,
    problems_in_tree,
    too_deep,
)

MAX_BYTES = 2 * 1024 * 1024

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def read_json(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> object:
    """The value that DATA spells; raises Invalid with everything that is wrong with it."""
    text = decode_text(data, max_bytes=max_bytes)
    _check_depth(text, max_depth)
    try:
        tree = json.loads(
            text,
            object_pairs_hook=_read_object,
            parse_int=_read_integer,
            parse_constant=lambda _: NOT_FINITE,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Invalid([Problem("", "malformed_json", f"This is not JSON: {error.msg} ({place}).")]) from None
    if problems := problems_in_tree(tree, max_depth=max_depth):
        raise Invalid(problems)
    return tree


def decode_text(data: bytes, *, max_bytes: int) -> str:
    """The text of a body that is neither too large nor broken."""
    if len(data) > max_bytes:
        detail = f"This is {len(data):,} bytes long; at most {max_bytes:,} are accepted."
        raise Invalid([Problem("", "too_large", detail)])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Invalid([Problem("", "not_utf8", f"This is not UTF-8 text: byte {error.start + 1} is wrong.")]) from None


def _check_depth(text: str, max_depth: int) -> None:
    """One pass over the brackets outside strings, before the recursive parser sees them."""
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        mark = text[found.start()]
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        if depth > max_depth:
            raise Invalid([too_deep("", max_depth)])


def _read_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    marked = RepeatedKeys(plain)
    marked.repeated = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return marked


def _read_integer(digits: str) -> object:
    return int(digits) if len(digits) <= len(str(-MAX_NUMBER)) else OUT_OF_RANGE
