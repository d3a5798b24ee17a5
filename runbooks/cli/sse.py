"""Server-sent events, as the HTML standard reads them, from bytes that may be cut anywhere."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE_END = re.compile("\r\n|\n|\r")


@dataclass(frozen=True)
class Event:
    id: str  # the last one seen: what to resume from
    kind: str
    data: str


@dataclass
class Parser:
    last_id: str = ""
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))
    _rest: str = ""
    _kind: str = ""
    _data: list[str] = field(default_factory=list)
    _id: str | None = None

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Events that CHUNK completes. An event cut off by the end of the stream never comes out."""
        text = self._rest + self._decoder.decode(chunk)
        # A carriage return at the very end may be the first half of a line end.
        held = "\r" if text.endswith("\r") else ""
        *lines, rest = _LINE_END.split(text.removesuffix("\r") if held else text)
        self._rest = rest + held
        for line in lines:
            if line:
                self._take(line)
            elif (event := self._finish()) is not None:
                yield event

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._kind = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value

    def _finish(self) -> Event | None:
        if self._id is not None:
            self.last_id = self._id
        event = Event(self.last_id, self._kind or "message", "\n".join(self._data)) if self._data else None
        self._kind, self._data, self._id = "", [], None
        return event
