"""The log as lines: what marker lines mark is told, and the bytes stay what they are."""

from typing import Any

from runbooks.live.lines import lines
from tests.live.conftest import Writing

TEXT = b"::group::copy\n::progress::40 copying\nplain\n::error::disk full\n::endgroup::\n::warning::half"


def written(writing: Writing, data: bytes = TEXT) -> list[dict[str, Any]]:
    sink = writing.sink()
    for at in range(0, len(data), 7):
        sink.write(data[at : at + 7])
    sink.close()
    assert writing.stored() == data
    return list(lines(run=writing.run))


def test_marker_lines_say_what_they_mark_and_others_do_not(writing: Writing) -> None:
    told = [(line.get("marker"), line.get("marked"), line.get("percent")) for line in written(writing)]
    assert told == [
        ("group", "copy", None),
        ("progress", "copying", 40.0),
        (None, None, None),
        ("error", "disk full", None),
        ("endgroup", "", None),
        ("warning", "half", None),
    ]


def test_only_lines_of_the_kinds_that_are_asked_for(writing: Writing) -> None:
    written(writing)
    found = lines(run=writing.run, markers={"error", "warning"})
    assert [(line["line"], line["marked"]) for line in found] == [(4, "disk full"), (6, "half")]
