"""Users of the operating system that scripts run as where the worker is root: one for each script that runs."""

import os
import socket

_TRIES = 64


class NoUser(OSError):
    """Each of the users tried runs a script already."""


class ScriptUser:
    """A number that no other script of this machine has, as long as this process lives.

    The claim is an abstract socket's name: all workers of a machine share those names, and the kernel frees one
    whatever its holder dies of. Where to begin is left to chance, so that a number rests before it is used again.
    """

    def __init__(self, first: int, last: int) -> None:
        self._claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        count = last - first + 1
        start = int.from_bytes(os.urandom(4), "big") % count
        for step in range(min(count, _TRIES)):
            self.number = first + (start + step) % count
            try:
                self._claim.bind(f"\0opsaas-script-user-{self.number}")
            except OSError:
                continue
            return
        self._claim.close()
        raise NoUser(0, "every user that scripts may run as is taken: widen OPSAAS_SCRIPT_USERS")
