"""Going on when the database is away for a while."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 2.0


def insist(act: Callable[[], T], *, seconds: float) -> T:
    """Repeats ACT while the database does not answer, for SECONDS at most. ACT has to be safe to repeat."""
    end = time.monotonic() + seconds
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            if time.monotonic() + wait > end:
                raise
            log.warning("the database did not answer, trying again: %s", error)
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
