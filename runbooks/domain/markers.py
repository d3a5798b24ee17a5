"""Marker lines in a script's output: `::error::disk full`, `::progress::40 copying` and the like.

They are ordinary lines of the log, which is never changed for them; whoever shows it shows them for what they mean.
The page reads them in `assets/src/log/lines.ts`, by the same rules.
"""

import re
from dataclasses import dataclass
from typing import Final

KINDS: Final = ("group", "endgroup", "notice", "warning", "error", "progress", "add-mask")

_MARKER = re.compile(rf"::({'|'.join(KINDS)})(?: [^:]*)?::(.*)", re.DOTALL)
_COLOURS = re.compile("\x1b\\[[0-9;:]*m")
_PROGRESS = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)%?(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Marker:
    kind: str  # one of KINDS
    text: str
    percent: float | None = None  # of progress, from 0 to 100; None where it names no number


def marker_of(line: str) -> Marker | None:
    """What LINE, without its end, marks; None for an ordinary line."""
    if "::" not in line:
        return None
    found = _MARKER.fullmatch(_left_of(line))
    if not found:
        return None
    kind, text = found[1], found[2].strip()
    return _progress(text) if kind == "progress" else Marker(kind, text)


def _left_of(line: str) -> str:
    """What a terminal would leave of it: without colours, and begun anew by each carriage return."""
    return _COLOURS.sub("", line.rstrip("\r")).rpartition("\r")[2]


def _progress(text: str) -> Marker:
    found = _PROGRESS.fullmatch(text)
    if not found:
        return Marker("progress", text)
    return Marker("progress", found[2] or "", percent=min(float(found[1]), 100.0))
