"""Builds one tree from the events of a YAML parser, and remembers everything that is wrong with it.

No YAML library's constructors are used: so nothing is guessed to be a date, nothing recurses, and an alias is refused
by what it would grow into, before it grows.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from runbooks.domain.problems import MOST_PROBLEMS, Invalid, Problem, pointer_to, shown
from runbooks.domain.syntax.json_tree import (
    MAX_KEY_LENGTH,
    Unreadable,
    check_key,
    check_number,
    check_text,
    repeated_key,
    too_deep,
)
from runbooks.domain.syntax.yaml_scalars import plain_value, quoted_value


class Limits(NamedTuple):
    """Nodes and characters are counted as if every alias were written out."""

    depth: int
    nodes: int
    characters: int


@dataclass(frozen=True)
class _Node:
    """A finished value and what it weighs."""

    value: object
    nodes: int
    characters: int
    height: int = 0


@dataclass
class _Frame:
    """A list or mapping that is still open."""

    value: list[object] | dict[str, object]
    anchor: str | None
    nodes_before: int
    characters_before: int
    key: str | None = None  # of a mapping: set while its value is awaited
    height: int = 1


@dataclass
class TreeBuilder:
    limits: Limits
    root: object = None
    documents: int = 0
    problems: list[Problem] = field(default_factory=list)
    aliases: int = 0
    _frames: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, _Node | None] = field(default_factory=dict)  # None: its node is still open
    _nodes: int = 0
    _characters: int = 0

    def take(self, event: Event) -> None:
        match event:
            case ScalarEvent():
                self._take_scalar(event)
            case AliasEvent():
                self._take_alias(event)
            case SequenceStartEvent() | MappingStartEvent():
                self._open(event)
            case SequenceEndEvent() | MappingEndEvent():
                self._close(event)
            case DocumentStartEvent():
                self._begin_document(event)

    def _begin_document(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self._stop(event, "many_documents", "Only one YAML document is accepted at a time.")
        if event.version not in (None, (1, 2)):
            self._complain(event, "yaml_version", "Only YAML 1.2 is read; leave out the %YAML line.")
        if event.tags:
            self._complain(event, "yaml_tag", "Tags are not accepted; leave out the %TAG line.")

    def _take_scalar(self, event: ScalarEvent) -> None:
        self._check_tag(event)
        self._count(event, nodes=1, characters=len(event.value))
        value = plain_value(event.value) if event.style is None else quoted_value(event.value)
        if not self._awaits_key():
            self._check_value(event, value)
        node = _Node(value, nodes=1, characters=len(event.value))
        self._remember(event.anchor, node)
        self._place(event, node)

    def _take_alias(self, event: AliasEvent) -> None:
        name = event.anchor
        if name not in self._anchors:
            raise self._stop(event, "unknown_alias", f"Nothing before this is marked {shown('&' + name)}.")
        node = self._anchors[name]
        if node is None:
            detail = f"The alias {shown(name)} stands inside of what it names, so it would never end."
            raise self._stop(event, "endless_alias", detail)
        self._count(event, nodes=node.nodes, characters=node.characters)
        if len(self._frames) + node.height > self.limits.depth:
            raise self._stop_too_deep(event)
        self.aliases += 1
        self._place(event, node)

    def _open(self, event: SequenceStartEvent | MappingStartEvent) -> None:
        if self._awaits_key():
            raise self._stop(event, "key_not_text", "The name of a field must be text, not a list or an object.")
        self._check_tag(event)
        if len(self._frames) >= self.limits.depth:
            raise self._stop_too_deep(event)
        value: list[object] | dict[str, object] = [] if isinstance(event, SequenceStartEvent) else {}
        self._frames.append(_Frame(value, event.anchor, self._nodes, self._characters))
        self._count(event, nodes=1, characters=0)
        self._remember(event.anchor, None)

    def _close(self, event: SequenceEndEvent | MappingEndEvent) -> None:
        frame = self._frames.pop()
        nodes, characters = self._nodes - frame.nodes_before, self._characters - frame.characters_before
        node = _Node(frame.value, nodes, characters, frame.height)
        self._remember(frame.anchor, node)
        self._place(event, node)

    def _remember(self, anchor: str | None, node: _Node | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _place(self, event: Event, node: _Node) -> None:
        if not self._frames:
            self.root = node.value
            return
        frame = self._frames[-1]
        if self._awaits_key():
            frame.key = self._key(event, node.value)
            return
        if isinstance(frame.value, list):
            frame.value.append(node.value)
        elif frame.key is not None:
            frame.value[frame.key] = node.value
            frame.key = None
        frame.height = max(frame.height, node.height + 1)

    def _awaits_key(self) -> bool:
        return bool(self._frames) and isinstance(self._frames[-1].value, dict) and self._frames[-1].key is None

    def _key(self, event: Event, value: object) -> str:
        """The name of a field; what cannot be one is told, and replaced so that the rest can be read."""
        problems = check_key(value, pointer=self._pointer())
        for problem in problems:
            self._tell(event, problem)
        key = str(value)[:MAX_KEY_LENGTH]
        if not problems and key in self._frames[-1].value:
            self._tell(event, repeated_key(self._pointer(key)))
        return key

    def _check_value(self, event: ScalarEvent, value: object) -> None:
        pointer = self._pointer()
        if isinstance(value, Unreadable):
            self._complain(event, value.code, value.detail)
        elif isinstance(value, str):
            for problem in check_text(value, pointer=pointer):
                self._tell(event, problem)
        elif isinstance(value, int | float):
            for problem in check_number(value, pointer=pointer):
                self._tell(event, problem)

    def _check_tag(self, event: ScalarEvent | SequenceStartEvent | MappingStartEvent) -> None:
        if event.ctag is not None:
            detail = f"YAML tags such as {shown(str(event.ctag))} are not accepted; leave it out."
            self._complain(event, "yaml_tag", detail)

    def _count(self, event: Event, *, nodes: int, characters: int) -> None:
        self._nodes += nodes
        self._characters += characters
        if self._nodes > self.limits.nodes or self._characters > self.limits.characters:
            detail = (
                f"With its aliases written out this has more than {self.limits.nodes:,} values"
                f" or {self.limits.characters:,} characters."
            )
            raise self._stop(event, "too_large", detail)

    def _pointer(self, *more: str) -> str:
        tokens = [len(frame.value) if isinstance(frame.value, list) else frame.key for frame in self._frames]
        return pointer_to(*(token for token in tokens if token is not None), *more)

    def _complain(self, event: Event, code: str, detail: str) -> None:
        self._tell(event, Problem(self._pointer(), code, detail))

    def _tell(self, event: Event, problem: Problem) -> None:
        place = f"(line {event.start_mark.line + 1}, column {event.start_mark.column + 1})."
        self.problems.append(replace(problem, detail=f"{problem.detail.rstrip('.')} {place}"))
        if len(self.problems) >= MOST_PROBLEMS:
            raise Invalid(self.problems)

    def _stop(self, event: Event, code: str, detail: str) -> Invalid:
        self._complain(event, code, detail)
        return Invalid(self.problems)

    def _stop_too_deep(self, event: Event) -> Invalid:
        self._tell(event, too_deep(self._pointer(), self.limits.depth))
        return Invalid(self.problems)
