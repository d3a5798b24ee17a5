"""`-p name=value` turned into JSON of the kind that the runbook asks for.

What does not fit is sent as it was typed: the server's own sentence about it is better than a second opinion.
"""

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runbooks.cli.failures import usage

Parameter = Mapping[str, object]

_INTEGER = re.compile(r"-?[0-9]{1,1000}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_FROM_FILE = ("text", "secret")


def typed_values(*, given: Iterable[str], as_json: Iterable[str], parameters: Sequence[Parameter]) -> dict[str, object]:
    kinds = {str(parameter.get("name")): str(parameter.get("type")) for parameter in parameters}
    values: dict[str, object] = {}
    for name, text in map(_split, given):
        kind = kinds.get(name, "string")
        if kind == "choices":
            values[name] = [*_chosen(values.get(name)), text]
        elif name in values:
            raise usage(f"The parameter {name} is given twice.")
        else:
            values[name] = _typed(kind, text)
    for name, value in _json_values(as_json):
        if name in values:
            raise usage(f"The parameter {name} is given twice.")
        values[name] = value
    return values


def read_text(path: str) -> str:
    """A file's text, exactly: line ends stay as they are."""
    try:
        return Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise usage(f"{path} is not UTF-8 text (byte {error.start + 1}).") from error


def read_file(path: str) -> dict[str, str]:
    """A file as the server takes it."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}.") from error
    return {"name": Path(path).name, "content": base64.b64encode(data).decode()}


def _split(pair: str) -> tuple[str, str]:
    name, equals, text = pair.partition("=")
    if not equals or not name:
        raise usage(f"Write a parameter as name=value, not {pair!r}.")
    return name, text


def _typed(kind: str, text: str) -> object:
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return int(text) if _INTEGER.fullmatch(text) else float(text)
    if kind == "boolean":
        return _BOOLEANS.get(text.lower(), text)
    if kind == "file":
        return read_file(text.removeprefix("@"))
    if kind in _FROM_FILE and text.startswith("@"):
        # Doubled, it stands for itself.
        return text[1:] if text.startswith("@@") else read_text(text[1:])
    return text


def _chosen(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _json_values(given: Iterable[str]) -> Iterable[tuple[str, object]]:
    """Either name=JSON or one object that holds several parameters."""
    for text in given:
        if text.lstrip().startswith("{"):
            yield from dict(_parsed(text, "What --param-json got")).items()
        else:
            name, value = _split(text)
            yield name, _parsed(value, f"The value of {name}")


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise usage(f"{what} is not JSON. Mind that text needs double quotes inside the shell's own.") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(name)
