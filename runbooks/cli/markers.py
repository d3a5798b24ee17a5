"""Marker lines of a script's output, as they are shown on a terminal; anywhere else a log is written as it is."""

import re

LONGEST_MARKER = 4096  # characters of a line that are held back until it is known what it marks

_MARKER = re.compile(r"::(group|endgroup|notice|warning|error|progress|add-mask)(?: [^:]*)?::(.*)", re.DOTALL)
_BEGINNING = re.compile(r":?:?\Z|::")
_RESET = "\x1b[0m"
_WORDS = {"notice": "Notice", "warning": "Warning", "error": "Error"}
_COLOURS = {"notice": "36", "warning": "33", "error": "31"}
_HIDDEN = {"endgroup", "add-mask"}


class MarkerPainter:
    """Takes text that may be cut anywhere; of a line that may become a marker nothing is shown before it has ended."""

    def __init__(self) -> None:
        self._held = ""
        self._mid_line = False  # the line goes on whose beginning was shown already

    def feed(self, text: str) -> str:
        *whole, rest = (self._held + text).split("\n")
        shown = "".join(self._line(line) for line in whole)
        self._held = ""
        if not self._mid_line and _BEGINNING.match(rest) and len(rest) < LONGEST_MARKER:
            self._held = rest
            return shown
        self._mid_line = self._mid_line or bool(rest)
        return shown + rest

    def finish(self) -> str:
        rest, self._held = self._held, ""
        return rest

    def _line(self, line: str) -> str:
        found = None if self._mid_line else _MARKER.fullmatch(line)
        self._mid_line = False
        return f"{line}\n" if found is None else _painted(found[1], found[2].strip())


def _painted(kind: str, text: str) -> str:
    if kind in _HIDDEN:
        return ""
    if kind == "group":
        return f"\x1b[1m▸ {text}{_RESET}\n"
    if kind == "progress":
        return f"\x1b[2m… {text}{_RESET}\n"
    return f"\x1b[1;{_COLOURS[kind]}m{_WORDS[kind]}:{_RESET}\x1b[{_COLOURS[kind]}m {text}{_RESET}\n"
