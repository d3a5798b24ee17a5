"""Files that a script left on a node to be kept: offered one by one by the wrapper, taken in pieces."""

from collections.abc import Iterator
from typing import Protocol

from runbooks.domain.ports import ArtifactKeeper
from runbooks.execution.artifacts import LONGEST_PATH, MOST_COMPLAINTS, MOST_ENTRIES, PIECE_BYTES, told


class Line(Protocol):
    """To the wrapper, which has just offered a file."""

    def answer(self, word: str) -> None:
        """`give`, `skip` or `enough`."""

    def raw(self, most: int) -> bytes:
        """The next bytes, at least one. Raises OSError when no more can come."""


class Hand:
    """Takes over what is offered. `complaints` are sentences about what is not kept."""

    def __init__(self, *, keeper: ArtifactKeeper, line: Line, after: bytes) -> None:
        """AFTER is what the wrapper says after a file, so that one that became shorter meanwhile is noticed."""
        self._keeper = keeper
        self._line = line
        self._after = after
        self._offered = 0
        self.complaints: list[str] = []

    def take(self, *, name: str, size: int, plain: bool) -> None:
        self._offered += 1
        if len(self.complaints) > MOST_COMPLAINTS:
            self.complaints.append("More artifacts are not kept.")
            self._line.answer("enough")
        elif self._offered > MOST_ENTRIES:
            self._complain(name, f"is one of more than {MOST_ENTRIES:,}")
            self._line.answer("enough")
        elif not plain or len(name) > LONGEST_PATH:
            self._complain(name, "has too long a name" if plain else "is no regular file that can be read")
            self._line.answer("skip")
        else:
            self._keep(name, size)

    def _keep(self, name: str, size: int) -> None:
        pieces = _Pieces(self._line, size, self._after)
        try:
            said = self._keeper.keep(name=name, size=size, pieces=pieces)
        except Exception as error:  # noqa: BLE001 (the script has ended: its end is told whatever becomes of its files)
            said = f"could not be kept: {error}"
        if said:
            self._complain(name, said)
        pieces.finish()

    def _complain(self, name: str, what: str) -> None:
        self.complaints.append(f"{told(name)} {what.rstrip('.')}.")


class _Pieces:
    """Exactly as many bytes as were announced, or an error. Asked for only when somebody wants the first of them."""

    def __init__(self, line: Line, size: int, after: bytes) -> None:
        self._line = line
        self._left = size
        self._after = after
        self._asked = False

    def __iter__(self) -> Iterator[bytes]:
        if not self._asked:
            self._asked = True
            self._line.answer("give")
        while self._left:
            data = self._line.raw(min(PIECE_BYTES, self._left))
            self._left -= len(data)
            if not self._left:
                self._check_the_end()
            yield data

    def finish(self) -> None:
        """Leaves the line where the next file begins. Raises OSError where that can't be told any more."""
        if not self._asked:
            self._line.answer("skip")
            return
        for _ in self:
            pass
        if self._after:  # an empty file
            self._check_the_end()

    def _check_the_end(self) -> None:
        said = b""
        while len(said) < len(self._after):
            said += self._line.raw(len(self._after) - len(said))
        if said != self._after:
            raise OSError("it became shorter while it was read")
        self._after = b""
