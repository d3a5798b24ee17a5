"""The folder in which scripts have their working folders."""

import fcntl
import os
import sys
from pathlib import Path

from runbooks.execution import folder

_LOCK = ".lock"


def claim(base: Path) -> int:
    """Makes the folder, and empties it when nobody uses it. Returns the lock that says "in use" until it is closed.

    Worker, spawner and wardens all hold it, so working folders that are found while nobody does are left from a crash
    in which everything died at once, such as a power cut. Other workers may share the folder.
    """
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        base.chmod(0o711)  # scripts run as other users: each gets to its own folder, and sees no other's name
    lock = os.open(base / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sweep(base)
    except BlockingIOError:
        pass  # another worker is at it
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _sweep(base: Path) -> None:
    for left in base.iterdir():
        if left.name != _LOCK:
            try:
                folder.remove(str(left))
            except OSError as error:
                print(f"The working folder {left} could not be removed: {error}", file=sys.stderr)
