"""The first process of a script's own namespaces: it makes the view, starts the script in it, and buries the dead.

It is forked from the warden and executes nothing, so it has our memory, though none of another run. Hence it lets go of
every descriptor and every capability, and can't be traced. When it ends, the kernel ends whatever else is in there.
"""

import contextlib
import fcntl
import os
import select
import signal
import socket
from typing import NoReturn

from runbooks.execution import linux
from runbooks.execution.channel import Job
from runbooks.execution.containment import ownroot
from runbooks.execution.containment.become import TELLING, become_script, connect, tell
from runbooks.execution.folder import Layout
from runbooks.execution.recipes import ROOTLESS
from runbooks.execution.title import set_title

_SHARED_BY_ALL = linux.NEW_MOUNTS | linux.NEW_PIDS | linux.NEW_IPC | linux.NEW_CGROUP
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def namespaces(job: Job) -> int:
    """Those that the job's recipe puts around the script."""
    wanted = _SHARED_BY_ALL
    if job.recipe == ROOTLESS:
        wanted |= linux.NEW_USER
    return wanted if job.network else wanted | linux.NEW_NETWORK


def become_first_process(
    *, job: Job, layout: Layout, user: int | None, ids: tuple[int, int], output: int, telling: int
) -> NoReturn:
    """In the child: never returns. What goes wrong is written to `telling`, which closes by itself on success."""
    script = 0
    try:
        os.setsid()
        connect(output=output, telling=telling)
        _end_with_the_warden()
        _make_namespaces_ours(job, layout, user, ids)
        set_title(f"opsaas: innermost {job.environment['OPSAAS_RUN_ID']}")
        linux.hide_from_peers()
        script = os.fork()
        if script == 0:
            become_script(job=job, layout=layout, user=user, warden=None)
        linux.renounce_capabilities()
        connect(output=os.open(os.devnull, os.O_RDWR), telling=None)
    except BaseException as error:  # noqa: BLE001 (told to the warden)
        tell(RuntimeError(f"its own view of the machine could not be made ({error})"))
        os._exit(127)
    _bury_until(script)


def _end_with_the_warden() -> None:
    linux.signal_at_unseen_parents_death(number=signal.SIGKILL)
    poll = select.poll()
    poll.register(TELLING, 0)
    if poll.poll(0):  # nobody reads what we tell: the warden was gone before we asked
        os._exit(127)


def _make_namespaces_ours(job: Job, layout: Layout, user: int | None, ids: tuple[int, int]) -> None:
    if job.recipe == ROOTLESS:
        for name, text in (("setgroups", "deny"), ("uid_map", "{0} {0} 1"), ("gid_map", "{1} {1} 1")):
            _write(f"/proc/self/{name}", text.format(*ids))
    if not job.network:
        _start_loopback()
    ownroot.enter(layout, sights=job.sights, user=user)
    if job.recipe == ROOTLESS:
        with contextlib.suppress(OSError):  # an old kernel
            _write("/proc/sys/user/max_user_namespaces", "0")  # of ours: no namespace, and no power, below it
    linux.renounce_future_capabilities()


def _start_loopback() -> None:
    """Programs may talk to themselves by 127.0.0.1 even where there is no network."""
    request = b"lo".ljust(16, b"\0") + _IFF_UP.to_bytes(2, "little") + bytes(22)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _bury_until(script: int) -> NoReturn:
    """Takes leave of orphans, and ends as the script did: with its exit code, or 128 and the signal."""
    while True:
        pid, status = os.wait()
        if pid == script:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
