"""A definition as the YAML that people edit."""

import json
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from runbooks.cli.failures import Failure
from runbooks.cli.yaml_core import read_yaml

WIDTH = 4096  # text is never folded by us

# What people look for first; the rest follows by name. Servers keep fields in no order of their own.
FIRST = (
    "apiVersion", "kind", "metadata", "doc", "spec", "project", "slug", "id", "name", "type", "title", "required",
    "default", "risk", "parameters", "targets", "steps", "interpreter", "script", "text",
)  # fmt: skip
_PLACES = {name: place for place, name in enumerate(FIRST)}


def write_yaml(data: object) -> str:
    """YAML that reads back as DATA; where a text has no such form, JSON, which is YAML too."""
    yaml = YAML()
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump(_with_blocks(data), out)
    text = out.getvalue()
    return text if _reads_back(text, data) else json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _place(key: str) -> tuple[int, str]:
    return _PLACES.get(key, len(FIRST)), key


def _reads_back(text: str, data: object) -> bool:
    try:
        return read_yaml(text, name="") == data
    except Failure:
        return False


def _with_blocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_blocks(value[key]) for key in sorted(value, key=_place)}
    if isinstance(value, list):
        return [_with_blocks(inner) for inner in value]
    return LiteralScalarString(value) if isinstance(value, str) and _fits_a_block(value) else value


def _fits_a_block(text: str) -> bool:
    """A block shows text as it is, so it can hold no other line ends and no control characters."""
    return "\n" in text and text.replace("\n", "").replace("\t", "").isprintable()
