"""Data goes to standard output, everything said about it to standard error."""

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

from runbooks.cli.terminal import TerminalFilter, clean, clean_line

# In JSON these may stand for themselves, yet a terminal would obey some of them and UTF-8 cannot carry others.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def say(text: str) -> None:
    print(_encodable(clean(text), sys.stderr.encoding), file=sys.stderr, flush=True)


def emit(text: str) -> None:
    """Text as data: made harmless on a terminal, left alone in a pipe."""
    text = clean(text) if sys.stdout.isatty() else text
    print(_encodable(text, sys.stdout.encoding))


def emit_json(value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print(_encodable(_UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", text), sys.stdout.encoding))


def emit_lines(rows: Iterable[Sequence[str]]) -> None:
    """One row a line, columns parted by tabs, for other programs."""
    for row in rows:
        print(_encodable("\t".join(clean_line(cell) for cell in row), sys.stdout.encoding))


def shown(value: object) -> str:
    """One JSON value as a person writes it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class LogSink:
    """Where the bytes of a log go: exactly as they are, unless a terminal would obey them."""

    def __init__(self) -> None:
        self._out = sys.stdout.buffer
        colours = not os.environ.get("NO_COLOR")
        self._filter = TerminalFilter(colours=colours) if sys.stdout.isatty() else None

    def write(self, data: bytes) -> None:
        self._out.write(self._filter.feed(data) if self._filter else data)
        self._out.flush()

    def finish(self) -> None:
        """Never fails: every write was flushed, and whoever gave up reading was told already."""
        with suppress(OSError):
            if self._filter:
                self._out.write(self._filter.finish())
            self._out.flush()


def _encodable(text: str, encoding: str | None) -> str:
    """TEXT without what the stream's encoding lacks, so that printing never fails half-way."""
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
