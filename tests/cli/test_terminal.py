"""A run's output can move, hide, forge, link or run nothing on the terminal of who watches."""

import pytest

from runbooks.cli.terminal import TerminalFilter, clean, clean_line

CASES = [
    (b"plain \xe2\x98\x83\ttext\n", b"plain \xe2\x98\x83\ttext\n"),
    (b"\x1b[1;31mred\x1b[0m", b"\x1b[1;31mred\x1b[0m\x1b[0m"),
    (b"\x1b[38;5;8mgrey\x1b[48;2;8;8;8m", b"\x1b[38;5;8mgrey\x1b[48;2;8;8;8m\x1b[0m"),
    (b"a\x1b[8mhidden\x1b[0;8mtoo", b"ahiddentoo"),
    (b"one\x1b[1A\x1b[2Ktwo\x1b[?1049h", b"onetwo"),
    (b"real\rfake", b"real\nfake"),
    (b"dos\r\nline", b"dos\nline"),
    (b"back\x08\x08\x07\x00\x0b\x0c", b"back"),
    (b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", b"alink"),
    (b"\x1b]52;c;aGk=\x07\x1bP+q\x1b\\ok", b"ok"),
    (b"\x1b]0;never ended\nstill shown", b"0;never ended\nstill shown"),
    (b"\x1bc\x1b(0\x1b=x", b"x"),
    (b"\xc2\x9b2J\xc2\x9d0;t\xc2\x9c", b"2J0;t"),
    ("user\u202etxt.exe".encode(), b"usertxt.exe"),
    (b"bad \xff utf-8", b"bad \xef\xbf\xbd utf-8"),
    (b"cut off \x1b[3", b"cut off 3"),
]


@pytest.mark.parametrize(("given", "wanted"), CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_only_text_and_colours_pass_wherever_the_stream_is_cut(given: bytes, wanted: bytes, size: int) -> None:
    stream = TerminalFilter(colours=True)
    shown = b"".join(stream.feed(given[at : at + size]) for at in range(0, len(given), size)) + stream.finish()
    assert shown == wanted


def test_without_colours_not_even_those_pass() -> None:
    stream = TerminalFilter(colours=False)
    assert stream.feed(b"\x1b[31mred\x1b[0m") + stream.finish() == b"red"


def test_a_sequence_without_end_is_not_held_back_for_ever() -> None:
    stream = TerminalFilter(colours=True)
    assert b"x" * 4000 in stream.feed(b"\x1b]0;" + b"x" * 5000)


def test_what_the_server_says_about_itself_is_cleaned_too() -> None:
    assert clean("\x1b[31mred\x1b[0m\nline") == "red\nline"
    assert clean_line(" a\n\tb\x1b[2J ") == "a b"
