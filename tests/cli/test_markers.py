"""Marker lines on a terminal: coloured for what they mean, wherever the stream is cut."""

import pytest

from runbooks.cli.markers import LONGEST_MARKER
from runbooks.cli.terminal import TerminalFilter

GIVEN = (
    "::group::Copy\nplain: a::b\n::notice::fine\n::warning file=a::careful\n::error::no\n::progress::40 copying\n"
    "::endgroup::\n::add-mask::x\nsee ::error::this\n::nonsense::x\n::error::cut off"
)
SHOWN = (
    "\x1b[1m▸ Copy\x1b[0m\nplain: a::b\n\x1b[1;36mNotice:\x1b[0m\x1b[36m fine\x1b[0m\n"
    "\x1b[1;33mWarning:\x1b[0m\x1b[33m careful\x1b[0m\n\x1b[1;31mError:\x1b[0m\x1b[31m no\x1b[0m\n"
    "\x1b[2m… 40 copying\x1b[0m\nsee ::error::this\n::nonsense::x\n::error::cut off"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_markers_are_painted_wherever_the_stream_is_cut(size: int) -> None:
    stream, data = TerminalFilter(colours=True), GIVEN.encode()
    shown = b"".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size)) + stream.finish()
    assert shown.decode() == SHOWN


def test_a_line_that_can_become_no_marker_is_shown_at_once() -> None:
    stream = TerminalFilter(colours=True)
    assert stream.feed(b"Continue? ") == b"Continue? "
    assert stream.feed(b"::error::x\n") == b"::error::x\n"


def test_a_marker_without_end_is_not_held_back_for_ever() -> None:
    stream = TerminalFilter(colours=True)
    assert len(stream.feed(b"::error::" + b"x" * LONGEST_MARKER)) > LONGEST_MARKER


def test_without_colours_lines_stay_as_they_are() -> None:
    stream = TerminalFilter(colours=False)
    assert stream.feed(GIVEN.encode()) + stream.finish() == GIVEN.encode()
