"""A local folder, or one that several machines share, as a Storage."""

import contextlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from runbooks.domain.ports import NothingThere, NotStored

INCOMING = ".incoming"
KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class FolderStorage:
    """A file per key. What is half written lies beside, and gets its name only when it is whole and on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, pieces: Iterable[bytes]) -> None:
        target, incoming = self._path(key), self._folder / INCOMING / uuid.uuid4().hex
        try:
            for folder in (target.parent, incoming.parent):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(incoming, "xb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            os.link(incoming, target)  # unlike a rename it does not replace what is there
            self._sync_folders(target.parent)
        except OSError as error:
            raise NotStored(f"{target} could not be written: {error.strerror or error}") from error
        finally:
            with contextlib.suppress(OSError):
                incoming.unlink()

    def open_range(self, key: str, start: int, length: int) -> bytes:
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                found = os.pread(file.fileno(), length, start)
                while 0 < len(found) < length and (
                    more := os.pread(file.fileno(), length - len(found), start + len(found))
                ):
                    found += more
        except FileNotFoundError as error:
            if (self._folder / INCOMING).is_dir():
                raise NothingThere(f"{path} is missing") from error
            raise NotStored(f"{self._folder} is not the folder that was written to: is it mounted?") from error
        except OSError as error:
            raise NotStored(f"{path} could not be read: {error.strerror or error}") from error
        if len(found) != length:
            raise NothingThere(f"{path} is shorter than it was: {length} bytes from {start} on are not there")
        return found

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise NotStored(f"{path} could not be removed: {error.strerror or error}") from error
        with contextlib.suppress(OSError):  # others may use the folder
            path.parent.rmdir()

    def stored(self) -> Iterator[tuple[str, float]]:
        for parent, folders, names in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if name != INCOMING)
            for name in sorted(names):
                path = Path(parent, name)
                with contextlib.suppress(OSError):  # gone in the meantime
                    yield path.relative_to(self._folder).as_posix(), path.stat().st_mtime

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise NotStored(f"{key!r} can't be the name of something stored")
        return self._folder / key

    def _sync_folders(self, folder: Path) -> None:
        """The names too: of the file, and of the folders that were made for it."""
        while True:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if folder == self._folder:
                return
            folder = folder.parent
