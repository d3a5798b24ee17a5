"""Reading a run's stream: in order, from anywhere, without a gap, also while it is being written."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from runbooks.live import sink as sinks
from runbooks.live.append import NewEvent, append_events, append_output
from runbooks.live.follow import StreamEvent, events_after, log_bytes
from runbooks.live.pieces import PAGE, before_offset
from runbooks.models import Run
from tests.live.conftest import Writing


def followed(run: Run, *, seq: int = 0, output: bool = True) -> list[StreamEvent]:
    """As a watcher reads it, look by look."""
    found: list[StreamEvent] = []
    while page := events_after(run_id=run.pk, seq=found[-1].seq if found else seq, output=output):
        found += page
    return found


def text_of(events: list[StreamEvent]) -> str:
    return "".join(str(event.data["text"]) for event in events if event.kind == "output")


@pytest.fixture
def written(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> Writing:
    """More chunks than a page holds, with events between them."""
    monkeypatch.setattr(sinks, "FLUSH_SECONDS", -1.0)
    sink = writing.sink()
    for number in range(2 * PAGE + 7):
        sink.write(f"line {number}: é€😀\n".encode())
        if number % 10 == 0:
            with transaction.atomic():
                append_events(run_id=writing.run.pk, events=[NewEvent("step", {"n": number})], now=timezone.now())
    sink.close()
    return writing


def test_events_come_in_order_with_gapless_numbers(written: Writing) -> None:
    written.run.refresh_from_db()
    assert [event.seq for event in followed(written.run)] == list(range(1, written.run.event_seq + 1))


def test_reading_resumes_from_any_number_without_gap_or_repeat(written: Writing) -> None:
    whole = followed(written.run)
    for seq in range(len(whole) + 1):
        assert followed(written.run, seq=seq) == whole[seq:]


def test_the_texts_of_the_events_are_the_log(written: Writing) -> None:
    written.run.refresh_from_db()
    stored = b"".join(log_bytes(run=written.run, start=0, stop=written.run.output_bytes))
    assert text_of(followed(written.run)).encode() == stored == written.stored()


def test_without_the_right_to_output_only_events_come_under_the_same_numbers(written: Writing) -> None:
    events = [event for event in followed(written.run) if event.kind != "output"]
    assert followed(written.run, output=False) == events
    assert len(events) > 5


@pytest.mark.parametrize("after_query", [0, 1, 2])
def test_what_is_written_between_two_reads_of_one_look_leaves_no_gap(writing: Writing, after_query: int) -> None:
    """A chunk and then an event are committed while a watcher looks: it must not be told the event alone."""
    queries = 0

    def meanwhile(execute: Callable[..., Any], *given: Any) -> Any:
        nonlocal queries
        answer, queries = execute(*given), queries + 1
        if queries == after_query + 1:
            append_output(key=writing.key, at=0, data=b"the last words\n", now=timezone.now())
            append_events(run_id=writing.run.pk, events=[NewEvent("status", {})], now=timezone.now())
        return answer

    append_events(run_id=writing.run.pk, events=[NewEvent("step", {})], now=timezone.now())
    with connection.execute_wrapper(meanwhile):
        seen = events_after(run_id=writing.run.pk, seq=0)
    seen += followed(writing.run, seq=seen[-1].seq)
    writing.run.refresh_from_db()
    assert [event.seq for event in seen] == list(range(1, writing.run.event_seq + 1))
    assert text_of(seen) == "the last words\n"


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (5, 40), (17, 18), (0, 10_000), (100, 100), (9_999, 10_000)])
def test_any_range_of_the_log_is_that_slice_of_it(written: Writing, start: int, stop: int) -> None:
    assert b"".join(log_bytes(run=written.run, start=start, stop=stop)) == written.stored()[start:stop]


def test_who_wants_the_end_only_gets_all_events_and_the_last_bytes_from_a_piece_on(written: Writing) -> None:
    written.run.refresh_from_db()
    first = before_offset(run=written.run, offset=written.run.output_bytes - 100)
    whole = followed(written.run)
    seen: list[StreamEvent] = []
    while page := events_after(run_id=written.run.pk, seq=seen[-1].seq if seen else 0, output_after=first):
        seen += page
    assert seen == [event for event in whole if event.kind != "output" or event.seq > first]
    assert 100 <= len(text_of(seen).encode()) < 200
