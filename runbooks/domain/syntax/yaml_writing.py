"""A definition as people write it: fields in their usual order, scripts and documents as blocks, short lists on a line.

`read_yaml` reads back exactly what was written.
"""

import re
from collections.abc import Sequence

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

ORDER = (
    *("apiVersion", "kind", "metadata", "doc", "spec"),
    *("project", "slug", "name", "id", "title", "hint", "type", "tags", "alerts"),
    *("risk", "parameters", "steps"),
    *("required", "default", "choices", "min", "max", "pattern", "confirm", "help"),
    *("interpreter", "timeout", "script", "text"),
)
_PLACE = {name: place for place, name in enumerate(ORDER)}
_LINE = 100  # characters that a list may take to stand on one line

# What a block cannot hold as it is: carriage returns, control characters, and what YAML 1.1 took for ends of lines.
_NOT_IN_BLOCKS = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_HARD_BLANKS = re.compile(r"^[ \t\n]|[ \t]\n*$")


def write_yaml(data: object) -> str:
    writer = YAML()
    writer.default_flow_style = False
    writer.width = 1_000_000  # never fold: a changed word must change one line
    out = _Collected()
    writer.dump(_shaped(data), out)
    return "".join(out)


class _Collected(list[str]):
    """What the writer takes for a file."""

    def write(self, part: str | bytes) -> None:
        self.append(part if isinstance(part, str) else part.decode())


def _shaped(value: object) -> object:
    if isinstance(value, dict):
        return {key: _shaped(value[key]) for key in sorted(value, key=lambda key: (_PLACE.get(key, len(ORDER)), key))}
    if isinstance(value, list):
        return _list(value)
    if isinstance(value, str):
        return _text(value)
    return value


def _list(value: Sequence[object]) -> CommentedSeq:
    made = CommentedSeq(_shaped(item) for item in value)
    simple = all(isinstance(item, str | int | float) and "\n" not in str(item) for item in value)
    if not value or (simple and len(str(value)) < _LINE):
        made.fa.set_flow_style()
    return made


def _text(value: str) -> str:
    many = "\n" in value
    if _NOT_IN_BLOCKS.search(value) or (many and _HARD_BLANKS.search(value)):
        quoted: str = DoubleQuotedScalarString(value)
        return quoted
    block: str = LiteralScalarString(value) if many else value
    return block
