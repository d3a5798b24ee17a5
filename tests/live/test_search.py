"""Search finds what a plain reading finds, whatever lies where and however it is paged."""

from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings

from runbooks.live import search as searching
from runbooks.live.lines import lines_from, split
from runbooks.live.pieces import pieces
from runbooks.live.search import BadSearch, excerpt, matching, pattern_finder, search, text_finder
from runbooks.models import Run
from runbooks.usecases.runs import seal as sealing
from tests.live.sealing import Ended, write
from tests.world import World

WORDS = st.text("aAbé\n€", min_size=1, max_size=14).map(str.encode)
WRITES = st.lists(st.tuples(st.integers(0, 2), WORDS), max_size=16)


@pytest.fixture
def ended(world: World, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Ended:
    settings.OPSAAS_OUTPUT_DIR = tmp_path / "output"
    monkeypatch.setattr(sealing, "FRAME_BYTES", 60)
    return Ended(run=world.started(), folder=tmp_path / "output")


def plainly(run: Run, wanted: str) -> list[tuple[str, int]]:
    found = split(pieces(run=run))
    return [
        (str(x.step_run_id), x.number) for x in found if wanted.lower() in x.text.decode("utf-8", "replace").lower()
    ]


def paged(run: Run, wanted: str, *, limit: int) -> list[tuple[str, int]]:
    found, place = [], None
    for _ in range(1000):
        page = search(run=run, find=text_finder(wanted), limit=limit, start=place)
        found += [(str(line.step_run_id), line.number) for line in page.lines]
        if page.next is None:
            return found
        place = page.next
    raise AssertionError("the search does not end")


@examples(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES, wanted=st.text("aAbé€", min_size=1, max_size=2), piece_bytes=st.integers(5, 30))
@example(writes=[(0, b"x\na"), (1, b"a"), (0, b"b\n"), (1, b"\nb")], wanted="ab", piece_bytes=5)
def test_what_is_found_is_what_a_plain_reading_finds(
    ended: Ended, writes: list[tuple[int, bytes]], wanted: str, piece_bytes: int
) -> None:
    with transaction.atomic():
        write(ended.run, writes, piece_bytes=piece_bytes)
        expected = plainly(ended.run, wanted)
        for _ in range(2):
            whole = [(str(x.step_run_id), x.number) for x in matching(run=ended.run, find=text_finder(wanted))]
            assert whole == expected
            assert sorted(set(paged(ended.run, wanted, limit=1))) == sorted(set(expected))
            ended.seal()
        transaction.set_rollback(True)


def test_one_look_does_bounded_work_and_the_next_goes_on(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    write(ended.run, [(0, b"nothing here\n" * 5 + b"needle\n")] * 6, piece_bytes=40)
    monkeypatch.setattr(searching, "MOST_BYTES", 50)
    first = search(run=ended.run, find=text_finder("needle"), limit=100)
    assert first.next is not None
    assert len(first.lines) <= 1
    assert paged(ended.run, "needle", limit=100) == plainly(ended.run, "needle")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_of_any_size_are_the_whole(ended: Ended, limit: int) -> None:
    write(ended.run, [(n % 3, b"a hit\nnone\na hit and\n another") for n in range(7)], piece_bytes=11)
    assert paged(ended.run, "hit", limit=limit) == plainly(ended.run, "hit")


def test_a_hit_in_a_line_of_megabytes_is_told_once_and_as_an_excerpt(ended: Ended) -> None:
    line = b"x" * 300_000 + b"needle" + b"y" * 300_000
    write(ended.run, [(0, b"first\n" + line + b"\nlast needle\n")], piece_bytes=65536)
    find = text_finder("NEEDLE")
    found = search(run=ended.run, find=find, limit=10).lines
    assert [line.number for line in found] == [2, 3]
    shown = excerpt(found[0].text.decode(), find)
    assert "needle" in shown
    assert len(shown) < 500


def test_a_hit_on_the_edge_of_what_is_kept_of_a_long_line_is_found(ended: Ended) -> None:
    data = b"x" * (65536 * 2 - 3) + b"needle" + b"y" * 70_000
    write(ended.run, [(0, data)], piece_bytes=65536)
    assert [x.number for x in search(run=ended.run, find=text_finder("needle"), limit=9).lines] == [1]


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("^err", [2]),
        ("o$", [1]),
        (r"\d+", [3]),
        ("err|two", [2, 3]),
        (r"hello\serror", []),
        ("(?-i:ERR)", []),
        ("$", [1, 2, 3]),
    ],
)
def test_regular_expressions_are_of_lines(ended: Ended, pattern: str, numbers: list[int]) -> None:
    write(ended.run, [(0, b"hello\nerror\ntwo 22\n")], piece_bytes=65536)
    assert [x.number for x in search(run=ended.run, find=pattern_finder(pattern), limit=9).lines] == numbers


@pytest.mark.parametrize("pattern", ["(", "a" * 501, "(?=x)"])
def test_what_is_no_regular_expression_is_refused(pattern: str) -> None:
    with pytest.raises(BadSearch):
        pattern_finder(pattern)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("first", [1, 2, 17, 99, 100, 101, 500])
def test_a_jump_gives_the_lines_from_there_on(ended: Ended, sealed: bool, first: int) -> None:
    write(ended.run, [(0, b"".join(b"line %d\n" % n for n in range(1, 101)))], piece_bytes=50)
    if sealed:
        ended.seal()
    step = ended.run.step_runs.get(step="main").pk
    found = [(x.number, x.text) for x in lines_from(run=ended.run, step_run=step, first=first, count=3)]
    assert found == [(n, b"line %d" % n) for n in range(first, min(first + 3, 101))]
