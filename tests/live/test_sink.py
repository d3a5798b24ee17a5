"""From a script's pipe to the database: nothing is lost, changed or written twice, and what is left out is said."""

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbooks.live import sink as sinks
from runbooks.live.append import FenceLost, append_output
from runbooks.models import OutputChunk, Run, StepRun
from tests.live.conftest import Writing

WRITES = st.lists(
    st.one_of(st.binary(max_size=40), st.text("aé€😀\n\r\0", max_size=12).map(str.encode)),
    max_size=12,
)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write goes to the database at once, in chunks of a few bytes."""
    monkeypatch.setattr(sinks, "FLUSH_SECONDS", -1.0)
    monkeypatch.setattr(sinks, "CHUNK_BYTES", 16)


@pytest.mark.usefixtures("eager")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES)
def test_what_is_stored_is_what_was_written_however_it_was_cut(writing: Writing, writes: list[bytes]) -> None:
    with transaction.atomic():
        sink = writing.sink()
        for data in writes:
            sink.write(data)
        sink.close()
        written = b"".join(writes)
        _check(writing, written)
        transaction.set_rollback(True)


def _check(writing: Writing, written: bytes) -> None:
    chunks, at = writing.chunks(), 0
    assert writing.stored() == written
    for chunk in chunks:
        assert (chunk.offset, chunk.step_offset) == (at, at)
        assert chunk.first_line == written[:at].count(b"\n") + 1
        at += len(chunk.data)
    run, step_run = Run.objects.get(pk=writing.run.pk), StepRun.objects.get(pk=writing.key.step_run_id)
    assert run.output_bytes == step_run.output_bytes == len(written)
    assert step_run.output_lines == written.count(b"\n")
    assert [chunk.seq for chunk in chunks] == list(range(writing.run.event_seq + 1, run.event_seq + 1))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("text", ["é" * 40, "a€" * 30, "😀" * 25, "ab😀é€\n" * 9])
def test_no_chunk_ends_within_a_character_even_when_bytes_arrive_one_by_one(writing: Writing, text: str) -> None:
    sink = writing.sink()
    for byte in text.encode():
        sink.write(bytes([byte]))
    sink.write(text.encode())
    sink.close()
    assert "".join(bytes(chunk.data).decode() for chunk in writing.chunks()) == text * 2


def test_a_character_that_never_ends_is_kept_as_its_bytes(writing: Writing) -> None:
    sink = writing.sink()
    sink.write(b"half: \xf0\x9f\x98")
    sink.close()
    assert writing.stored() == b"half: \xf0\x9f\x98"


@pytest.mark.usefixtures("eager")
def test_past_the_limit_a_marker_says_how_much_there_was(writing: Writing) -> None:
    sink = writing.sink(limit_bytes=100)
    for _ in range(50):
        sink.write(b"0123456789")
    sink.close()
    beginning, marker = writing.stored()[:100], writing.stored()[100:].decode()
    assert beginning == b"0123456789" * 10
    assert marker == "\n[opsaas: the output limit of 100 bytes was reached; 500 were written]\n"
    assert not sink.complete


@pytest.mark.usefixtures("eager")
def test_output_of_exactly_the_limit_is_complete(writing: Writing) -> None:
    sink = writing.sink(limit_bytes=100)
    sink.write(b"x" * 100)
    sink.close()
    assert (sink.complete, writing.stored()) == (True, b"x" * 100)


def test_what_is_written_in_quick_succession_is_gathered(writing: Writing) -> None:
    sink = writing.sink()
    sink.write(b"first")  # goes at once, so that the first line is seen at once
    for _ in range(1000):
        sink.write(b".")
    sink.close()
    assert len(writing.chunks()) == 2


def test_a_repeated_append_after_a_lost_answer_writes_once(writing: Writing) -> None:
    for _ in range(3):
        append_output(key=writing.key, at=0, data=b"once\n", now=timezone.now())
    append_output(key=writing.key, at=5, data=b"twice\n", now=timezone.now())
    assert writing.stored() == b"once\ntwice\n"


def test_a_sink_whose_answer_was_lost_writes_once(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    answers_lost = iter([True, False])

    def forgetful(**given: object) -> None:
        append_output(**given)  # type: ignore[arg-type]
        if next(answers_lost):
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(sinks, "append_output", forgetful)
    monkeypatch.setattr("runbooks.live.insist.connection.close", lambda: None)
    monkeypatch.setattr("runbooks.live.insist.FIRST_WAIT_SECONDS", 0.0)
    sink = sinks.DatabaseSink(
        key=writing.key, limit_bytes=1000, patience_seconds=5, release=lambda: None, flusher=sinks.Flusher()
    )
    sink.write(b"hello\n")
    sink.close()
    assert writing.stored() == b"hello\n"


def test_whoever_lost_the_lease_writes_no_more(writing: Writing) -> None:
    sink = writing.sink()
    sink.write(b"mine\n")
    StepRun.objects.filter(pk=writing.key.step_run_id).update(fence=writing.key.fence + 1)
    sink.write(b"not mine any more\n")
    with pytest.raises(FenceLost):
        sink.close()
    assert writing.stored() == b"mine\n"


def test_an_append_at_the_wrong_place_writes_nothing(writing: Writing) -> None:
    append_output(key=writing.key, at=0, data=b"abc", now=timezone.now())
    with pytest.raises(FenceLost):
        append_output(key=writing.key, at=7, data=b"gap", now=timezone.now())
    assert OutputChunk.objects.filter(run=writing.run).count() == 1
    assert Run.objects.get(pk=writing.run.pk).output_bytes == 3


@pytest.mark.parametrize(
    "data",
    [b"x" * 3_000_000, b"\r50 %" * 400_000, b"\0\xff\xfe\xc3" * 500_000, "é".encode() * 1_000_001, b"\n" * 1_500_000],
    ids=["a line of megabytes", "a storm of carriage returns", "no text at all", "halves of characters", "empty lines"],
)
def test_a_flood_is_stored_byte_for_byte_in_few_commits_and_whole_chunks(writing: Writing, data: bytes) -> None:
    sink = writing.sink()
    with CaptureQueriesContext(connection) as asked:
        for at in range(0, len(data), 65536):
            sink.write(data[at : at + 65536])
        sink.close()
    _check(writing, data)
    assert max(len(chunk.data) for chunk in writing.chunks()) <= 65536
    assert sum("INSERT" in query["sql"] for query in asked) < len(writing.chunks())
