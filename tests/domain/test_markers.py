"""Marker lines are read the same everywhere, and only where a line begins with one."""

import pytest

from runbooks.domain.markers import Marker, marker_of

CASES = [
    ("::error::disk full", Marker("error", "disk full")),
    ("::warning file=a.sh,line=3::careful ", Marker("warning", "careful")),
    ("::notice::", Marker("notice", "")),
    ("::group::copy :: two", Marker("group", "copy :: two")),
    ("::endgroup::", Marker("endgroup", "")),
    ("::progress::40 copying", Marker("progress", "copying", percent=40)),
    ("::progress::99.5%", Marker("progress", "", percent=99.5)),
    ("::progress::250 more", Marker("progress", "more", percent=100)),
    ("::progress::soon", Marker("progress", "soon")),
    ("\x1b[31m::error::red\x1b[0m", Marker("error", "red")),
    ("10 %\r::error::begun anew", Marker("error", "begun anew")),
    ("::error::of Windows\r", Marker("error", "of Windows")),
]
ORDINARY = ["", "::", "std::vector", "see ::error::this", " ::error::no", "::nonsense::x", "::error", "::Error::x"]


@pytest.mark.parametrize(("line", "wanted"), CASES)
def test_a_marker_line_says_what_it_marks(line: str, wanted: Marker) -> None:
    assert marker_of(line) == wanted


@pytest.mark.parametrize("line", ORDINARY)
def test_other_lines_mark_nothing(line: str) -> None:
    assert marker_of(line) is None
