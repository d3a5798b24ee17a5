"""Files that a script left to be kept, handed over one by one before its folder goes.

Only regular files of the script's own: no link is followed, nothing blocks, no depth exhausts anything.
"""

import os
import stat
from collections.abc import Callable, Iterator

from runbooks.domain.ports import ArtifactKeeper
from runbooks.execution.folder import Layout, open_without_links

PIECE_BYTES = 1 << 20
MOST_FOLDERS = 1000
MOST_ENTRIES = 10_000  # of all folders together
LONGEST_PATH = 1000  # characters, as a name is shown
MOST_COMPLAINTS = 5
LONGEST_TOLD = 200  # characters of a path that a sentence names

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def hand_over(layout: Layout, *, keeper: ArtifactKeeper, keep_alive: Callable[[], None]) -> list[str]:
    """Sentences about what is not kept. KEEP_ALIVE is called between the pieces: large files take a while."""
    try:
        top = open_without_links(layout.root, os.path.relpath(layout.artifacts, layout.root))
    except OSError as error:
        return [f"The folder of artifacts could not be read: {error.strerror}."]
    if top is None:
        return []
    hand = _Hand(keeper=keeper, keep_alive=keep_alive, owner=os.lstat(layout.root).st_uid)
    try:
        hand.over(top)
    finally:
        os.close(top)
    return hand.complaints


class _Hand:
    def __init__(self, *, keeper: ArtifactKeeper, keep_alive: Callable[[], None], owner: int) -> None:
        self._keeper = keeper
        self._keep_alive = keep_alive
        self._owner = owner  # of the working folder: what belongs to another is no file of the script's
        self._entries = 0
        self.complaints: list[str] = []

    def over(self, top: int) -> None:
        folders = [""]
        for folder in folders:  # grows while it is gone through
            for path in self._files(top, folder, folders):
                self._give(top, path)
                if len(self.complaints) > MOST_COMPLAINTS:
                    self.complaints.append("More artifacts are not kept.")
                    return

    def _files(self, top: int, folder: str, folders: list[str]) -> Iterator[str]:
        """Regular files of one folder, in the order of their names; folders in it go to the end of the list."""
        try:
            names = self._names(top, folder)
        except OSError as error:
            self._complain(folder, f"could not be read: {error.strerror}")
            return
        for name, mode in names:
            path = f"{folder}/{name}" if folder else name
            if len(path) > LONGEST_PATH:
                self._complain(path, "has too long a name")
            elif stat.S_ISDIR(mode) and len(folders) < MOST_FOLDERS:
                folders.append(path)
            elif stat.S_ISREG(mode):
                yield path
            else:
                self._complain(path, "is a folder too many" if stat.S_ISDIR(mode) else "is no regular file")

    def _names(self, top: int, folder: str) -> list[tuple[str, int]]:
        descriptor = _reach(top, folder)
        try:
            with os.scandir(descriptor) as entries:
                found = []
                for entry in entries:
                    self._entries += 1
                    if self._entries > MOST_ENTRIES:
                        self._complain(folder, f"holds more than {MOST_ENTRIES:,} entries")
                        break
                    found.append((entry.name, entry.stat(follow_symlinks=False).st_mode))
                return sorted(found)
        finally:
            os.close(descriptor)

    def _give(self, top: int, path: str) -> None:
        folder, _, name = path.rpartition("/")
        try:
            parent = _reach(top, folder)
            try:
                descriptor = os.open(name, _FILE, dir_fd=parent)
            finally:
                os.close(parent)
        except OSError as error:
            self._complain(path, f"could not be read: {error.strerror}")
            return
        try:
            self._give_open(path, descriptor)
        finally:
            os.close(descriptor)

    def _give_open(self, path: str, descriptor: int) -> None:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != self._owner:
            self._complain(path, "is no regular file of the script's own")
        else:
            try:
                said = self._keeper.keep(name=path, size=found.st_size, pieces=self._pieces(descriptor, found.st_size))
            except Exception as error:  # noqa: BLE001 (the script has ended: its end is told whatever becomes of its files)
                said = f"could not be kept: {error}"
            if said:
                self._complain(path, said)

    def _pieces(self, descriptor: int, size: int) -> Iterator[bytes]:
        """Exactly as many bytes as were announced, or an error: nobody should be writing any more."""
        left = size
        while left:
            data = os.read(descriptor, min(PIECE_BYTES, left))
            if not data:
                raise OSError("it became shorter while it was read")
            left -= len(data)
            yield data
            self._keep_alive()

    def _complain(self, path: str, what: str) -> None:
        self.complaints.append(f"{told(path)} {what.rstrip('.')}." if path else f"The artifacts: {what}.")


def told(path: str) -> str:
    """Its name whole or not at all: half of a secret is not masked."""
    return f"The artifact {path!r}" if len(path) <= LONGEST_TOLD else "An artifact with a long name"


def _reach(top: int, folder: str) -> int:
    """Opens a folder below TOP, part by part, so that no part is a link."""
    descriptor = os.dup(top)
    for part in folder.split("/") if folder else []:
        outer = descriptor
        try:
            descriptor = os.open(part, _FOLDER, dir_fd=outer)
        finally:
            os.close(outer)
    return descriptor
