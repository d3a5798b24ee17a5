"""YAML 1.2, core schema, out of a local file: what the server would read, or a refusal with the line.

Built from the parser's events, so that nothing is ever guessed to be a date and repeated fields are not lost. The
server checks limits and content once more; here only what would change the meaning on the way is refused.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from runbooks.cli.failures import Failure

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000  # with every alias written out

_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def read_yaml(text: str, *, name: str) -> object:
    """NAME stands before every complaint."""
    try:
        return _Reader(name=name, events=YAML(typ="safe", pure=True).parse(text)).document()
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Failure(f"{name}:{line}: this is not YAML: {error.problem}.") from error
    except YAMLError as error:
        raise Failure(f"{name}: this is not YAML: {' '.join(str(error).split())}") from error


@dataclass
class _Reader:
    name: str
    events: Iterator[Event]
    anchors: dict[str, object] = field(default_factory=dict)
    nodes: int = 0

    def document(self) -> object:
        if not any(isinstance(event, DocumentStartEvent) for event in self.events):
            raise Failure(f"{self.name}: this file holds nothing.")
        value = self._node(next(self.events), depth=0)
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                raise self._wrong(event, "a file holds one definition; this begins a second one")
        return value

    def _node(self, event: Event, *, depth: int) -> object:
        self._count(event, 1)
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if not isinstance(event, NodeEvent) or depth > MAX_DEPTH:
            raise self._wrong(event, f"more than {MAX_DEPTH} levels lie in each other")
        if getattr(event, "tag", None) is not None:
            raise self._wrong(event, "YAML tags are not accepted")
        value = self._value(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def _value(self, event: Event, depth: int) -> object:
        if isinstance(event, SequenceStartEvent):
            return self._sequence(depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(depth)
        assert isinstance(event, ScalarEvent)
        return self._plain(event) if event.style is None and event.implicit[0] else str(event.value)

    def _sequence(self, depth: int) -> list[object]:
        items = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self._node(event, depth=depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, object]:
        fields: dict[str, object] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            key = self._node(event, depth=depth + 1)
            if not isinstance(key, str):
                raise self._wrong(event, "names of fields must be text; put this one in quotes")
            if key in fields:
                raise self._wrong(event, f"the field {key!r} is given more than once")
            fields[key] = self._node(next(self.events), depth=depth + 1)
        return fields

    def _alias(self, event: AliasEvent) -> object:
        if event.anchor not in self.anchors:
            raise self._wrong(event, f"*{event.anchor} stands for nothing that ended before it")
        value = self.anchors[event.anchor]
        self._count(event, _size(value))
        return value

    def _plain(self, event: ScalarEvent) -> object:
        text = str(event.value)
        if text in _WORDS:
            return _WORDS[text]
        try:
            if _INTEGER.fullmatch(text):
                return int(text)
            if _OTHER_BASE.fullmatch(text):
                return int(text, 0)
        except ValueError:
            raise self._wrong(event, "this number is too long") from None
        if _NOT_FINITE.fullmatch(text) or (_FLOAT.fullmatch(text) and not math.isfinite(float(text))):
            raise self._wrong(event, "infinity and NaN are not numbers that JSON knows")
        return float(text) if _FLOAT.fullmatch(text) else text

    def _count(self, event: Event, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self._wrong(event, f"more than {MAX_NODES} values, with every alias written out")

    def _wrong(self, event: Event, what: str) -> Failure:
        return Failure(f"{self.name}:{event.start_mark.line + 1}: {what}.")


def _size(value: object) -> int:
    """Of a finished value, without the node that stands for it. Aliases inside were counted when they were made."""
    if isinstance(value, dict):
        return sum(1 + _size(inner) for inner in value.values()) + len(value)
    return sum(1 + _size(inner) for inner in value) if isinstance(value, list) else 0
