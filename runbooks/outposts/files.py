"""A file that is only ever added to, or standard output, for what collects that."""

import os
import sys
from pathlib import Path

from runbooks.domain.outposts import NotKept, Parcel


class FileOutpost:
    """Best on a disk, or below a mount, that the database's owner can't write: a file alone can be edited."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, parcel: Parcel) -> None:
        data = "".join(f"{line}\n" for line in parcel.lines).encode("utf-8", "surrogateescape")
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
            with open(handle, "ab", buffering=0) as file:
                if file.write(data) != len(data):
                    raise NotKept(f"{self._path} took only a part: is the disk full?")
                os.fsync(handle)
        except OSError as error:
            raise NotKept(f"{self._path} can't be written: {error.strerror}.") from error


class StdoutOutpost:
    def keep(self, parcel: Parcel) -> None:
        try:
            for line in parcel.lines:
                sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except (OSError, ValueError) as error:
            raise NotKept(f"Standard output took nothing: {error}") from error
