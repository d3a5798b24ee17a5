"""The right to run a script on one's own machine: nobody else can take it, and Ctrl-C gives it up."""

import contextlib
import math
import os
import select
import signal
from collections.abc import Iterator
from types import FrameType

from runbooks.domain.ports import StopReason

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class OwnLease:
    """A `domain.ports.Lease` that never ends by itself."""

    good_until = math.inf

    def __init__(self) -> None:
        self.stop: StopReason | None = None
        self.interrupted_by = 0  # the signal, once there was one
        self._changed = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        return self._changed

    def acknowledge(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._changed)

    @contextlib.contextmanager
    def until_interrupted(self) -> Iterator[None]:
        """The first signal asks the script to end; the second ends it at once, as an exception."""
        before = {number: signal.signal(number, self._interrupt) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(self._changed)

    def wait(self, seconds: float) -> None:
        """Or until it is interrupted."""
        select.select([self], [], [], seconds)

    def for_cleanup(self) -> None:
        """Cleanup steps follow an interrupt too; only a second one ends them."""
        self.stop = None
        self.acknowledge()

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        if self.interrupted_by:
            raise KeyboardInterrupt
        self.interrupted_by, self.stop = number, StopReason.CANCELLED
        os.eventfd_write(self._changed, 1)
