"""Sealed output is read as it was before, byte for byte and event for event; damage is told, never read."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings

from runbooks.domain.ports import NotStored
from runbooks.live.append import NewEvent, append_events
from runbooks.live.follow import events_after, log_bytes
from runbooks.live.lines import lines
from runbooks.live.pieces import OutputDamaged
from runbooks.models import OutputChunk, Run, SealedFrame, SealedOutput, StepRun
from runbooks.storage.folder import FolderStorage
from runbooks.usecases.runs import seal as sealing
from runbooks.usecases.runs.seal import Unsealable, remove_orphans, seal, seal_due
from tests.live.sealing import Ended, end, everything, write
from tests.world import World

WRITES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.one_of(st.binary(min_size=1, max_size=60), st.text("aé😀\n\r\0", min_size=1, max_size=30).map(str.encode)),
    ),
    max_size=25,
)
LONG = [(n % 3, f"line {n}: é€😀\n".encode() * 3) for n in range(18)]
LARGE = [(0, b"x" * 70_000), (0, b"y" * 70_000)]


@pytest.fixture
def ended(world: World, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Ended:
    """A run that has not written yet. Frames are small, so that there are many."""
    settings.OPSAAS_OUTPUT_DIR = tmp_path / "output"
    monkeypatch.setattr(sealing, "FRAME_BYTES", 120)
    monkeypatch.setattr(sealing, "FRAME_PIECES", 5)
    return Ended(run=world.started(), folder=tmp_path / "output")


@examples(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES, piece_bytes=st.integers(5, 50))
def test_all_that_can_be_read_is_the_same_before_and_after(
    ended: Ended, writes: list[tuple[int, bytes]], piece_bytes: int
) -> None:
    with transaction.atomic():
        write(ended.run, writes, piece_bytes=piece_bytes)
        before = everything(ended.run)
        assert b"".join(data for _, data in writes) == before["logs"][0]
        assert ended.seal()
        assert not OutputChunk.objects.filter(run=ended.run).exists()
        assert everything(ended.run) == before
        transaction.set_rollback(True)


def test_events_between_the_output_keep_their_places(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    append_events(run_id=ended.run.pk, events=[NewEvent("status", {"status": "succeeded"})], now=timezone.now())
    ended.run.refresh_from_db()
    before = everything(ended.run)
    assert ended.seal()
    assert everything(ended.run) == before
    seqs = [event.seq for event in before["streams"][0]]
    assert seqs == list(range(1, ended.run.event_seq + 1))


def test_zstandards_own_tools_print_the_log(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    ended.seal()
    with (
        open(ended.file(), "rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as log,
    ):
        assert log.read() == b"".join(data for _, data in LONG)


def test_a_reader_is_not_disturbed_by_the_sealing(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    whole = b"".join(data for _, data in LONG)
    reading = log_bytes(run=ended.run, start=0, stop=len(whole))
    first = next(reading)
    assert ended.seal()
    assert first + b"".join(reading) == whole


def _flipped(ended: Ended) -> None:
    data = bytearray(ended.file().read_bytes())
    data[len(data) // 2] ^= 1
    ended.file().write_bytes(data)


def _cut(ended: Ended) -> None:
    data = ended.file().read_bytes()
    ended.file().write_bytes(data[: len(data) // 2])


def _missing(ended: Ended) -> None:
    ended.file().unlink()


@pytest.mark.parametrize("harm", [_flipped, _cut, _missing])
def test_damage_is_told_and_no_wrong_byte_is_given(ended: Ended, harm: Callable[[Ended], None]) -> None:
    write(ended.run, LONG, piece_bytes=50)
    whole = b"".join(data for _, data in LONG)
    ended.seal()
    harm(ended)
    got: list[bytes] = []
    with pytest.raises(OutputDamaged, match="Output incomplete: bytes"):
        got.extend(log_bytes(run=ended.run, start=0, stop=len(whole)))
    assert whole.startswith(b"".join(got))
    with pytest.raises(OutputDamaged):
        list(lines(run=ended.run))
    assert not Run.objects.get(pk=ended.run.pk).output_complete


def test_watchers_are_told_of_damage_and_see_the_rest(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    ended.seal()
    frames = list(SealedFrame.objects.filter(sealed_id=ended.run.pk).order_by("position"))
    broken = frames[len(frames) // 2]
    data = bytearray(ended.file().read_bytes())
    data[broken.position + broken.size - 1] ^= 1
    ended.file().write_bytes(data)
    events: list[Any] = []
    while page := events_after(run_id=ended.run.pk, seq=events[-1].seq if events else 0):
        events += page
    damaged = [event for event in events if event.kind == "damaged"]
    assert [(d.seq, d.data["offset"], d.data["length"]) for d in damaged] == [
        (broken.last_seq, broken.offset, broken.length)
    ]
    assert sum(event.kind == "output" for event in events) > len(LONG) // 2
    seqs = [event.seq for event in events]
    assert seqs == sorted(set(seqs))


def test_the_rest_is_still_read_by_range(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    ended.seal()
    whole = b"".join(data for _, data in LONG)
    _cut(ended)
    assert b"".join(log_bytes(run=ended.run, start=0, stop=100)) == whole[:100]


@pytest.mark.parametrize("harm", [_flipped, _cut])
def test_rows_stay_when_the_object_does_not_read_back(
    ended: Ended, harm: Callable[[Ended], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ended.run, LONG, piece_bytes=50)
    put = FolderStorage.put

    def bad(self: FolderStorage, key: str, pieces: Any) -> None:
        put(self, key, pieces)
        harm(ended)

    monkeypatch.setattr(FolderStorage, "put", bad)
    before = everything(ended.run)
    with pytest.raises(NotStored):
        ended.seal()
    assert everything(ended.run) == before
    assert not SealedOutput.objects.exists()
    assert list(ended.folder.rglob("*.zst")) == []


def test_a_full_disk_leaves_the_output_in_the_database(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: FolderStorage, key: str, pieces: Any) -> None:
        raise NotStored("No space left on device")

    write(ended.run, LARGE, piece_bytes=65536)
    monkeypatch.setattr(FolderStorage, "put", full)
    Run.objects.filter(pk=ended.run.pk).update(finished_at="2020-01-01T00:00:00Z")
    assert seal_due(now=timezone.now()) == 0
    assert OutputChunk.objects.filter(run=ended.run).exists()


def test_of_two_schedulers_one_seals(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    write(ended.run, LONG, piece_bytes=50)
    verify = sealing._verify

    def meanwhile(**given: Any) -> None:
        monkeypatch.setattr(sealing, "_verify", verify)
        assert ended.seal()
        verify(**given)

    monkeypatch.setattr(sealing, "_verify", meanwhile)
    before = everything(ended.run)
    assert not ended.seal()
    assert everything(ended.run) == before
    ended.file()


def test_only_large_output_of_runs_that_ended_a_while_ago_is_sealed(ended: Ended, world: World) -> None:
    small = world.started(ended.run.runbook)
    write(small, [(0, b"hello\n")], piece_bytes=50)
    write(ended.run, LARGE, piece_bytes=65536)
    assert seal_due(now=timezone.now()) == 0
    later = timezone.now() + timedelta(seconds=61)
    assert seal_due(now=later) == 1
    assert seal_due(now=later) == 0
    assert list(OutputChunk.objects.values_list("run_id", flat=True)) == [small.pk]


def test_a_run_that_is_still_written_to_is_not_sealed(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    StepRun.objects.filter(run=ended.run, node="web-1").update(status="succeeded")
    row = StepRun(run=ended.run, index=2, step="late", status="running", lease_until=timezone.now(), fence=1)
    row.save()
    assert not ended.seal()
    end(ended.run)


def test_rows_that_do_not_add_up_are_left_as_they_are(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    OutputChunk.objects.filter(run=ended.run).order_by("seq")[5].delete()
    with pytest.raises(Unsealable, match="bytes are in"):
        ended.seal()
    assert list(ended.folder.rglob("*.zst")) == []
    assert OutputChunk.objects.filter(run=ended.run).exists()


def test_a_commit_whose_answer_is_lost_does_not_cost_the_object(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    swap = sealing._swap

    def unheard(**given: Any) -> bool:
        swap(**given)
        raise OperationalError("server closed the connection unexpectedly")

    write(ended.run, LONG, piece_bytes=50)
    monkeypatch.setattr(sealing, "_swap", unheard)
    before = everything(ended.run)
    with pytest.raises(OperationalError):
        ended.seal()
    assert everything(ended.run) == before
    assert remove_orphans(now=timezone.now() + timedelta(days=2)) == 0


def test_objects_that_nothing_points_to_are_removed_after_a_day(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    ended.seal()
    FolderStorage(ended.folder).put("2026/11/21/orphan.zst", [b"x"])
    assert remove_orphans(now=timezone.now()) == 0
    assert remove_orphans(now=timezone.now() + timedelta(days=2)) == 1
    assert everything(ended.run)["sizes"][0] == ended.run.output_bytes


@pytest.mark.parametrize("statement", ["size = size + 1", "sha256 = sha256", "last_seq = 0"])
def test_the_index_never_changes(ended: Ended, statement: str) -> None:
    write(ended.run, LONG, piece_bytes=50)
    ended.seal()
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE runbooks_sealedframe SET {statement}")


def test_the_hash_is_that_of_the_frame_in_the_file(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    ended.seal()
    stored = ended.file().read_bytes()
    for frame in SealedFrame.objects.filter(sealed_id=ended.run.pk):
        part = stored[frame.position : frame.position + frame.size]
        assert hashlib.sha256(part).digest() == bytes(frame.sha256)


def test_nothing_is_sealed_where_no_folder_is_set(ended: Ended, settings: Settings) -> None:
    settings.OPSAAS_OUTPUT_DIR = None
    write(ended.run, LARGE, piece_bytes=65536)
    assert seal_due(now=timezone.now() + timedelta(days=1)) == 0


def test_seal_takes_the_time_it_is_told(ended: Ended) -> None:
    write(ended.run, LONG, piece_bytes=50)
    now = timezone.now()
    assert seal(run=ended.run, place=FolderStorage(ended.folder), now=now)
    assert SealedOutput.objects.get().sealed_at == now
