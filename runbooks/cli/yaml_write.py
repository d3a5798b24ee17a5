"""A definition as the YAML that people edit."""

import json
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from runbooks.cli.failures import Failure
from runbooks.cli.yaml_core import read_yaml

WIDTH = 4096  # text is never folded by us


def write_yaml(data: object) -> str:
    """YAML that reads back as DATA; where a text has no such form, JSON, which is YAML too."""
    yaml = YAML()
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump(_with_blocks(data), out)
    text = out.getvalue()
    return text if _reads_back(text, data) else json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _reads_back(text: str, data: object) -> bool:
    try:
        return read_yaml(text, name="") == data
    except Failure:
        return False


def _with_blocks(value: object) -> object:
    if isinstance(value, dict):
        return {key: _with_blocks(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_blocks(inner) for inner in value]
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value
