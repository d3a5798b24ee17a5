"""Writing for many at once, such that one that can't be written holds up none of the others."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import InterfaceError, OperationalError, transaction

log = logging.getLogger(__name__)

Thing = TypeVar("Thing")


def written(
    things: Sequence[Thing], *, write: Callable[[Sequence[Thing]], int], give_up: Callable[[Thing], None]
) -> int:
    """WRITE all, answering how much was written; where that fails the halves, down to the one that is given up. Call it
    inside a transaction. A database that is away is nobody's fault: that is raised, and all is tried again."""
    try:
        with transaction.atomic():
            return write(things)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  (whatever it is, it is this one's alone)
        if len(things) == 1:
            log.error("messages could not be written (%s): this one is given up: %s", type(error).__name__, things[0])
            give_up(things[0])
            return 0
    half = len(things) // 2
    return sum(written(part, write=write, give_up=give_up) for part in (things[:half], things[half:]))
