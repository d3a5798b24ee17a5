"""The few Linux calls that the standard library does not offer."""

import ctypes
import os
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def boottime() -> float:
    """Seconds since the machine started. Unlike CLOCK_MONOTONIC it goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def become_subreaper() -> None:
    """Makes this process the new parent of descendants whose own parent ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def signal_at_parent_death(*, number: int, parent: int) -> None:
    """Asks for a signal when the thread that forked this process ends; raises ProcessLookupError if it has already.

    Only safe in a child of a single-threaded process: the kernel follows the forking thread, not its process.
    """
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        raise ProcessLookupError(parent)


def _prctl(option: int, argument: int) -> None:
    if _libc.prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
