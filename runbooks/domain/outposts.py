"""What the log asks of places outside; implementations live in `outposts/`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Parcel:
    """Something about the log for a place outside: one checkpoint, or some events."""

    name: str  # sorts by time, such as "checkpoints/000000000290"
    lines: Sequence[str]  # JSON, each on its own
    note: str = ""  # of a checkpoint: as it was signed


class Outpost(Protocol):
    """A place outside, where those who own the database can't take back what was told."""

    def keep(self, parcel: Parcel) -> None:
        """Said twice, a parcel may be there twice. Raises NotKept when it can't be sure that it is there."""


class NotKept(Exception):
    """The place did not take it; for people, and without anything secret."""
