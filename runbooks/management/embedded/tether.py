"""Becomes another program that can't outlive its parent: `python -I -S tether.py PARENT COMMAND …`

The kernel kills a process that asked for it when the *thread* that forked it ends, so this asks between fork and exec
of a child of the supervisor's only thread. Run as a file, without site packages: it is gone within milliseconds.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("The parent is gone already.")
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]} can't be started: {error.strerror}.")


if __name__ == "__main__":
    main()
