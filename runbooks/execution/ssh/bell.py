"""Rings when a channel has something to read."""

import contextlib
import os
import threading
from typing import cast

import paramiko


class Bell:
    """Used as the event of both of a channel's buffers.

    The descriptor that paramiko offers itself loses a wake-up when one stream is emptied in the moment in which the
    other is filled. This one only ever rings, and who listens looks at both buffers after he has silenced it.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._open = True
        for buffer in (channel.in_buffer, channel.in_stderr_buffer):
            buffer.set_event(cast(threading.Event, self))  # rings at once where there is something already

    def fileno(self) -> int:
        return self._descriptor

    def silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._descriptor)

    def set(self) -> None:
        """There is something to read, or nothing will come any more."""
        with self._lock:
            if self._open:
                os.eventfd_write(self._descriptor, 1)

    def clear(self) -> None:
        """A buffer is empty: of no interest."""

    def close(self) -> None:
        with self._lock:
            self._open = False
            os.close(self._descriptor)
