"""Masking: no form of a secret survives, however the stream is cut, and nothing else is changed or kept waiting."""

import base64
import codecs
import html
import json
import shlex
from collections.abc import Iterable
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runbooks.domain.secrecy.redaction import LONGEST_MARKED, MASK, MOST_MARKED, Masker, Redactor
from runbooks.domain.secrecy.secret_forms import forms_of

# Without the mask's own character: a secret of asterisks is beyond help.
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="*\0"), min_size=4, max_size=60)
FEW = st.text("ab/+\n", min_size=4, max_size=12)  # overlaps itself and others


def through(masker: Masker | Redactor, pieces: Iterable[bytes]) -> bytes:
    return b"".join(masker.feed(piece) for piece in pieces) + masker.finish()


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


def plainly(forms: set[bytes], data: bytes) -> bytes:
    """What the masker does, said as simply as it can be."""
    shown, at = b"", 0
    while at < len(data):
        found = max((len(form) for form in forms if data.startswith(form, at)), default=0)
        shown += MASK if found else data[at : at + 1]
        at += found or 1
    return shown


def written(value: str) -> dict[str, bytes]:
    """How programs would write it down, each by its own library."""
    data = value.encode()
    return {
        "itself": data,
        "base64": base64.b64encode(data),
        "base64 of echo": base64.b64encode(data + b"\n").rstrip(b"="),
        "urlsafe base64": base64.urlsafe_b64encode(data),
        "hex": data.hex().encode(),
        "HEX": data.hex().upper().encode(),
        "url": quote(value, safe="").encode(),
        "form": quote_plus(value).encode(),
        "path": quote(value).encode(),
        "json": json.dumps(value)[1:-1].encode(),
        "json in UTF-8": json.dumps(value, ensure_ascii=False)[1:-1].encode(),
        "shell": shlex.quote(value).removeprefix("'").removesuffix("'").replace("'\"'\"'", "'\\''").encode(),
        "python": repr(value)[1:-1].encode(),
        "html": html.escape(value).encode(),
    }


@given(value=VALUES, before=st.binary(max_size=20), after=st.binary(max_size=20), places=st.lists(st.integers(0, 9999)))
def test_no_form_survives_any_cut(value: str, before: bytes, after: bytes, places: list[int]) -> None:
    for name, form in written(value).items():
        assume(form not in before + MASK + after)
        shown = through(Masker([value]), cut(before + form + after, places))
        assert form not in shown, name
        assert MASK in shown, name


@given(value=VALUES, before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_base64_of_a_longer_text_does_not_give_it_away(value: str, before: bytes, after: bytes) -> None:
    """Whoever decodes what is left, with any filling of the gap, gets at most its first and its last byte's bits."""
    whole = base64.b64encode(before + value.encode() + after)
    shown = through(Masker([value]), [whole])
    kept_before, _, kept_after = shown.partition(MASK)
    assert MASK in shown
    assert len(kept_before) * 6 < (len(before) + 1) * 8
    assert len(kept_after.rstrip(b"=")) * 6 < (len(after) + 1) * 8 + 6


@given(values=st.lists(FEW, max_size=3), data=st.text("ab/+\n", max_size=80), places=st.lists(st.integers(0, 99)))
def test_how_the_stream_is_cut_changes_nothing(values: list[str], data: str, places: list[int]) -> None:
    forms = set().union(*map(forms_of, values)) if values else set()
    assert through(Masker(values), cut(data.encode(), places)) == plainly(forms, data.encode())


@given(data=st.binary(max_size=300), places=st.lists(st.integers(0, 300)))
def test_what_is_no_secret_comes_through_byte_by_byte(data: bytes, places: list[int]) -> None:
    secret = "never-in-these-bytes-😀"
    assert through(Redactor([secret]), cut(data, places)) == data
    assert through(Redactor(), cut(data, places)) == data


@given(value=FEW, data=st.text("ab/+\n", max_size=40))
def test_only_an_end_that_begins_a_form_waits(value: str, data: str) -> None:
    masker, fed = Masker([value]), data.encode()
    shown = masker.feed(fed)
    held = masker.finish()
    assert plainly(forms_of(value), fed) == shown + held
    if held and MASK not in held:
        assert any(form.startswith(held) for form in forms_of(value))


def test_each_line_of_a_value_is_masked_but_not_the_shortest_ones() -> None:
    key = "-----BEGIN KEY-----\n  abcdefgh\nxy\n12345678\n-----END KEY-----\n"
    assert through(Masker([key]), [b"got abcdefgh and 12345678 and xy\n"]) == b"got *** and *** and xy\n"
    assert through(Masker([key]), [key.encode()]) == b"***"


def test_long_values_are_masked_in_the_lines_that_tools_break_them_into() -> None:
    value = "".join(f"{number:04}" for number in range(300))
    for form in (base64.encodebytes(value.encode()), codecs.encode(value.encode(), "hex")):
        width = 76 if b"\n" in form else 60
        flat = form.replace(b"\n", b"")
        lines = b"\n".join(flat[at : at + width] for at in range(0, len(flat), width))
        shown = through(Masker([value]), [lines])
        assert set(shown.replace(b"\n", b"")) <= set(b"*=")


def test_a_line_can_add_a_mask_and_is_not_shown_itself() -> None:
    script = b"token xyzzy-1\n::add-mask::xyzzy-1\ntoken xyzzy-1, eHl6enktMQ==\n ::add-mask::inner\ninner\n"
    expected = b"token xyzzy-1\ntoken ***, ***\n ::add-mask::inner\ninner\n"
    assert through(Redactor(), [script]) == expected


@given(places=st.lists(st.integers(0, 999)), ending=st.sampled_from([b"\n", b"\r\n", b""]))
def test_an_added_mask_works_however_its_line_is_cut(places: list[int], ending: bytes) -> None:
    script = (
        b"::add-mask::first-one\nfirst-one second-one\n::add-mask::second-one\nsecond-one\n::add-mask::last-one"
        + ending
    )
    assert through(Redactor(), cut(script, places)) == b"*** second-one\n***\n"


def test_the_beginning_of_a_marker_that_becomes_none_is_shown() -> None:
    redactor = Redactor()
    assert redactor.feed(b"a\n::add-") == b"a\n"
    assert redactor.feed(b"on\n") == b"::add-on\n"
    assert redactor.feed(b"text ::add-mask::") == b"text ::add-mask::"
    assert redactor.finish() == b""


def test_masks_have_a_limit_in_number_and_size_and_what_is_over_it_is_told_but_not_shown() -> None:
    many = b"".join(b"::add-mask::value-%06d\n" % number for number in range(MOST_MARKED + 1))
    shown = through(Redactor(), [many])
    assert b"value-" not in shown
    assert shown.count(b"this mask was not added") == 1
    long = b"::add-mask::" + b"long-secret-" * (LONGEST_MARKED // 8) + b"\nafter\n"
    for piece in (len(long), 4096):
        shown = through(Redactor(), [long[at : at + piece] for at in range(0, len(long), piece)])
        assert b"long-secret-" not in shown
        assert shown.endswith(b"after\n")
    assert through(Redactor(), [b"::add-mask::a\n::add-mask::\nabc\n"]) == b"abc\n"


def test_a_text_aside_is_masked_and_leaves_the_stream_alone() -> None:
    masker = Masker(["hunter22"])
    assert masker.feed(b"hun") == b""
    assert masker.whole("say hunter22 or aHVudGVyMjI=") == "say *** or ***"
    assert masker.feed(b"ter22!") == b"***!"


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_what_is_held_stays_small(size: int) -> None:
    masker = Masker(["0123456789" * 100, "aaaa"])
    largest = 0
    for _ in range(50_000 // size + 1):
        masker.feed(b"0123456789"[: size % 10 or 10] * (size // 10 + 1))
        largest = max(largest, len(masker._held))
    assert largest <= 8000
