"""The forms in which a secret may turn up in what a script prints: as it is, and as programs write it down."""

import base64
import html
import json
from collections.abc import Iterable, Iterator

SHORTEST_FORM = 4  # bytes; anything shorter is found everywhere. A whole value counts whatever its length.
BASE64_WIDTHS = (76, 64)  # of lines, as base64 and openssl break them
HEX_WIDTHS = (60, 64)  # as xxd and others do
UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"
URL_SAFE = ("", "/", "!'()*~", "!'()*~/:@&=+$,;?#")


def forms_of(value: str) -> set[bytes]:
    """Of the whole value, with and without white space around it, and of each line that is long enough."""
    whole = {value, value.strip()} - {""}
    lines = {line.strip() for line in value.splitlines()}
    pieces = whole | {line for line in lines if len(line.encode()) >= SHORTEST_FORM}
    found = {piece.encode() for piece in pieces}
    for piece in pieces:
        found.update(form for form in _encodings(piece) if len(form) >= SHORTEST_FORM)
    return found


def _encodings(piece: str) -> Iterator[bytes]:
    data = piece.encode()
    yield from _base64(data)
    yield from _base64(data + b"\n")  # what `echo` pipes into base64
    yield from _hex(data)
    for text in (*_escaped(piece), *_in_urls(piece)):
        yield text.encode("utf-8", "surrogatepass")


def _base64(data: bytes) -> Iterator[bytes]:
    """At each of the three places that the value can have within a longer text, without the characters at its ends
    that also depend on its neighbours; and by itself, whole and in lines."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data)
        first, last = -(-8 * before // 6), 8 * (before + len(data)) // 6
        yield from _both_alphabets([encoded[first:last]])
    alone = base64.b64encode(data)
    yield from _both_alphabets([alone, alone.rstrip(b"="), *_broken(alone, BASE64_WIDTHS)])


def _both_alphabets(forms: Iterable[bytes]) -> Iterator[bytes]:
    for form in forms:
        yield form
        yield form.translate(bytes.maketrans(b"+/", b"-_"))


def _hex(data: bytes) -> Iterator[bytes]:
    digits = data.hex().encode()
    for form in (digits, *_broken(digits, HEX_WIDTHS)):
        yield form
        yield form.upper()


def _broken(form: bytes, widths: Iterable[int]) -> Iterator[bytes]:
    """The lines that a program of such a width makes of it."""
    for width in widths:
        if len(form) > width:
            yield from (form[start : start + width] for start in range(0, len(form), width))


def _escaped(piece: str) -> Iterator[str]:
    """In JSON, in a shell's trace, in Python's own notation, in HTML and XML."""
    for ascii_only in (True, False):
        text = json.dumps(piece, ensure_ascii=ascii_only)[1:-1]
        yield text
        yield text.replace("/", "\\/")
    yield "".join(
        char if ord(char) < 128 else _upper_escape(char) for char in json.dumps(piece, ensure_ascii=False)[1:-1]
    )
    yield piece.replace("'", "'\\''")
    yield repr(piece)[1:-1]
    yield repr(piece.encode())[2:-1]
    yield html.escape(piece)
    yield html.escape(piece, quote=False)


def _upper_escape(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2))


def _in_urls(piece: str) -> Iterator[str]:
    for escape in ("%{:02X}", "%{:02x}"):
        for safe in URL_SAFE:
            yield _quoted(piece, safe=UNRESERVED + safe.encode(), escape=escape)
        yield _quoted(piece, safe=UNRESERVED + b" ", escape=escape).replace(" ", "+")
        yield _quoted(piece, safe=b"", escape=escape)


def _quoted(piece: str, *, safe: bytes, escape: str) -> str:
    return "".join(chr(byte) if byte in safe else escape.format(byte) for byte in piece.encode())
