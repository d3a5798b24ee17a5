"""What may reach a terminal: text and colours. Nothing that moves, hides, links, renames or runs anything."""

import codecs
import re

from runbooks.cli.markers import MarkerPainter

LONGEST_SEQUENCE = 4096  # an unfinished one is held back until its end is known, but never for longer than this

_SEQUENCE = re.compile(
    "\x1b\\[(?P<colour>[0-9;:]*)m"
    "|\x1b\\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]"  # cursor moves, erasing, modes
    "|\x1b[\\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\\\)"  # titles, links, the clipboard, device strings
    "|\x1b[\x20-\x2f]*[\x30-\x7e]"  # resets, character sets; also the head of a string that never ends
    "|\r\n"
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_UNFINISHED = re.compile("(?:\r|\x1b(?:\\[[\x30-\x3f]*[\x20-\x2f]*|[\x20-\x2f]*|[\\]PX^_][^\x07\x1b\n]*\x1b?)?)\\Z")
_COLOUR_RESET = "\x1b[0m"
_CONCEAL = 8


def clean(text: str) -> str:
    """TEXT on one terminal, without any control sequence; line breaks and tabs stay."""
    return _SEQUENCE.sub(lambda found: _harmless(found, colours=False), text)


def clean_line(text: str) -> str:
    """TEXT as part of one line."""
    return " ".join(clean(text).split())


class TerminalFilter:
    """Cleans a stream of bytes that may be cut anywhere; colours stay, and marker lines are coloured, if wanted."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours
        self._coloured = False
        self._painter = MarkerPainter() if colours else None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, data: bytes) -> bytes:
        text = self._held + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        cut = unfinished.start() if unfinished and len(unfinished.group()) < LONGEST_SEQUENCE else len(text)
        self._held = text[cut:]
        shown = self._clean(text[:cut])
        return (self._painter.feed(shown) if self._painter else shown).encode()

    def finish(self) -> bytes:
        """The rest, and the terminal's own colours back."""
        rest = self._clean(self._held + self._decoder.decode(b"", final=True))
        self._held = ""
        if self._painter:
            rest = self._painter.feed(rest) + self._painter.finish()
        return (rest + (_COLOUR_RESET if self._coloured else "")).encode()

    def _clean(self, text: str) -> str:
        return _SEQUENCE.sub(self._replace, text)

    def _replace(self, found: re.Match[str]) -> str:
        kept = _harmless(found, colours=self._colours)
        self._coloured = self._coloured or kept.startswith("\x1b")
        return kept


def _harmless(found: re.Match[str], *, colours: bool) -> str:
    colour = found.group("colour")
    if colour is not None:
        return found.group() if colours and not _conceals(colour) else ""
    # A lone carriage return would let later text overwrite what was there.
    return "\n" if found.group() in ("\r\n", "\r") else ""


def _conceals(colour: str) -> bool:
    """Whether a colour sequence makes text invisible: an 8 that is not part of an extended colour."""
    numbers = iter(colour.split(";"))
    for number in numbers:
        if number in ("38", "48", "58"):
            for _ in range({"5": 1, "2": 3}.get(next(numbers, ""), 0)):
                next(numbers, "")
        elif number.isdecimal() and int(number) == _CONCEAL:
            return True
    return False
