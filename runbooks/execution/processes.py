"""Finding and ending whole trees of processes.

A subreaper is the ancestor of everything that its children ever started, whatever sessions, process groups or double
forks they used, so walking the children lists of /proc from it finds them all. Out of reach is only what was started
by someone else on the script's behalf (cron, at, a container engine) and what may not be signalled (sudo).
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator

_HAS_CHILDREN_LISTS = os.path.exists("/proc/thread-self/children")


def children(pid: int) -> list[int]:
    """The direct children of a process, ended ones included until they are reaped."""
    return _listed_children(pid) if _HAS_CHILDREN_LISTS else _scanned_children(pid)


def descendants(roots: Iterable[int]) -> list[int]:
    """The roots and everything below them, parents before their children."""
    found = list(roots)
    seen = set(found)
    for pid in found:
        fresh = [child for child in children(pid) if child not in seen]
        seen.update(fresh)
        found.extend(fresh)
    return found


def terminate(pids: Iterable[int]) -> None:
    """Asks each process to end; wakes stopped ones so that they hear it."""
    for pid in pids:
        send(pid, signal.SIGTERM)
        send(pid, signal.SIGCONT)


def kill(roots: Iterable[int]) -> None:
    """One strike against the roots and everything below them, each process the moment that it is found.

    The kernel signals a process group as one, so that not even a process that is forking at that moment gets away; a
    script has a session of its own, so its groups hold nothing else. Whatever escapes is struck in the next pass.
    """
    own_group = os.getpgid(0)
    waiting = list(roots)
    seen = set(waiting)
    for pid in waiting:
        _strike(pid, own_group)
        fresh = [child for child in children(pid) if child not in seen]
        seen.update(fresh)
        waiting.extend(fresh)


def send(pid: int, number: int) -> None:
    """Signals a process (a group if negative), if it is there and ours to signal."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


@contextlib.contextmanager
def first_in_line() -> Iterator[None]:
    """Lets this process run before all ordinary ones, where that is allowed: no storm of forks outruns it."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def may_signal(pid: int) -> bool:
    """False for what belongs to another user, such as a script's sudo."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return False
    except ProcessLookupError:
        pass
    return True


def name(pid: int) -> str:
    """What the kernel calls the process, for messages to people."""
    return _read(f"/proc/{pid}/comm").decode(errors="replace").strip() or "?"


def _strike(pid: int, own_group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        group = os.getpgid(pid)
        if group != own_group:
            os.kill(-group, signal.SIGKILL)
    send(pid, signal.SIGKILL)


def _listed_children(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(child) for thread in threads for child in _read(f"/proc/{pid}/task/{thread}/children").split()]


def _scanned_children(pid: int) -> list[int]:
    """The slow way, for kernels built without CONFIG_PROC_CHILDREN."""
    parent = str(pid).encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            after_name = _read(f"/proc/{entry}/stat").rpartition(b")")[2].split()
            if after_name[1:2] == [parent]:
                found.append(int(entry))
    return found


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    parts = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except ProcessLookupError:
        pass  # it ended while we read
    finally:
        os.close(descriptor)
    return b"".join(parts)
