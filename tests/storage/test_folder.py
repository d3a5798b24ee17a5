"""A folder as a storage: whole or not at all, and never other bytes than those that were put."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.domain.ports import NothingThere, NotStored
from runbooks.storage.folder import FolderStorage


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "output"


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_was_put_is_read_back_in_parts_and_listed_and_removed(folder: Path) -> None:
    place = FolderStorage(folder)
    place.put("2026/11/a.zst", [b"hello ", b"world"])
    assert place.open_range("2026/11/a.zst", 6, 5) == b"world"
    assert [key for key, _ in place.stored()] == ["2026/11/a.zst"]
    place.delete("2026/11/a.zst")
    place.delete("2026/11/a.zst")
    assert list(place.stored()) == []


def test_a_key_is_put_once_and_the_first_stays(folder: Path) -> None:
    place = FolderStorage(folder)
    place.put("a", [b"first"])
    with pytest.raises(NotStored):
        place.put("a", [b"other"])
    assert place.open_range("a", 0, 5) == b"first"


def test_what_breaks_half_way_leaves_nothing(folder: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        FolderStorage(folder).put("a", broken())
    assert files(folder) == []


def test_a_full_disk_leaves_nothing_and_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotStored, match="No space left on device"):
        FolderStorage(folder).put("a", [b"x"])
    assert [name for name in files(folder) if name != "a"] == []


def test_less_than_was_asked_for_is_an_error(folder: Path) -> None:
    place = FolderStorage(folder)
    place.put("a", [b"0123456789"])
    for start, length in [(5, 6), (10, 1), (100, 1)]:
        with pytest.raises(NothingThere, match="shorter"):
            place.open_range("a", start, length)


def test_a_missing_file_is_one_thing_and_a_missing_folder_another(folder: Path) -> None:
    with pytest.raises(NotStored, match="mounted") as error:
        FolderStorage(folder).open_range("a", 0, 1)
    assert not isinstance(error.value, NothingThere)
    FolderStorage(folder).put("b", [b"x"])
    with pytest.raises(NothingThere, match="missing"):
        FolderStorage(folder).open_range("a", 0, 1)


@pytest.mark.parametrize("key", ["../a", "/etc/passwd", "a/../../b", "", "a//b", ".incoming/x", "a\0b", "a/.."])
def test_no_key_leads_out_of_the_folder(folder: Path, key: str) -> None:
    with pytest.raises(NotStored):
        FolderStorage(folder).put(key, [b"x"])
