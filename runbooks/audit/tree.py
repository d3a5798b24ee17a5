"""The log's hash tree: complete subtrees of 256, 65,536 … leaves are stored, all else is computed from few rows."""

from collections.abc import Sequence

from runbooks.domain.merkle import folded, root
from runbooks.models import AuditLeaf, AuditSubtree

BITS = 8  # a stored subtree covers 256 of the level below
AT_ONCE = 64  # subtrees that are made of so many times 256 rows in memory


class TreeBroken(Exception):
    """Leaves of the log are missing."""


class Tree:
    """One look at the stored tree, which remembers the rows that it has read."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, int], dict[int, bytes]] = {}

    def complete(self, bits: int, index: int) -> bytes:
        """The hash over leaves [index << bits, (index + 1) << bits). Raises TreeBroken."""
        level, below = divmod(bits, BITS)
        return folded([self._one(level, at) for at in range(index << below, (index + 1) << below)])

    def root_of(self, size: int) -> bytes:
        """Raises TreeBroken."""
        return root(size, self.complete)

    def _one(self, level: int, index: int) -> bytes:
        block = self._block(level, index >> BITS)
        if index in block:
            return block[index]
        if level == 0:
            raise TreeBroken(f"The leaf of event #{index} is missing.")
        return folded([self._one(level - 1, at) for at in range(index << BITS, (index + 1) << BITS)])

    def _block(self, level: int, number: int) -> dict[int, bytes]:
        """256 neighbours, or those of them that are there."""
        if (level, number) not in self._read:
            rows = _stored(level, number << BITS, (number + 1) << BITS)
            self._read[level, number] = dict(rows)
        return self._read[level, number]


def size_of_log() -> int:
    """How many leaves there are, if none is missing."""
    last = AuditLeaf.objects.order_by("-seq").values_list("seq", flat=True).first()
    return 0 if last is None else last + 1


def keep_subtrees(size: int) -> None:
    """Stores the complete subtrees of the first SIZE leaves that are not stored yet. Raises TreeBroken."""
    level, wanted = 1, size >> BITS
    while wanted:
        for first in range(_next_index(level), wanted, AT_ONCE):
            last = min(first + AT_ONCE, wanted)
            parts = _parts(level - 1, first << BITS, last << BITS)
            AuditSubtree.objects.bulk_create(
                AuditSubtree(level=level, index=first + at, hash=folded(parts[at << BITS : (at + 1) << BITS]))
                for at in range(last - first)
            )
        level, wanted = level + 1, wanted >> BITS


def _parts(level: int, first: int, end: int) -> Sequence[bytes]:
    found = [one for _, one in _stored(level, first, end)]
    if len(found) != end - first:
        raise TreeBroken(f"Of the log's tree, parts of level {level} are missing between {first} and {end - 1}.")
    return found


def _next_index(level: int) -> int:
    last = AuditSubtree.objects.filter(level=level).order_by("-index").values_list("index", flat=True).first()
    return 0 if last is None else last + 1


def _stored(level: int, first: int, end: int) -> Sequence[tuple[int, bytes]]:
    if level == 0:
        leaves = AuditLeaf.objects.filter(seq__gte=first, seq__lt=end).order_by("seq")
        return [(seq, bytes(leaf)) for seq, leaf in leaves.values_list("seq", "leaf")]
    rows = AuditSubtree.objects.filter(level=level, index__gte=first, index__lt=end).order_by("index")
    return [(index, bytes(found)) for index, found in rows.values_list("index", "hash")]
