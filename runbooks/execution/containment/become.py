"""The last moments before a script's program is executed: what the process lets go of, and with what it is left."""

import os
import resource
import signal
from typing import NoReturn

from runbooks.execution import linux
from runbooks.execution.channel import Job
from runbooks.execution.containment import landlock
from runbooks.execution.folder import Layout
from runbooks.execution.recipes import HOST, LANDLOCK

TELLING = 3  # where the child of a warden tells what went wrong
_MOST_COMPLAINT_BYTES = 4096


def connect(*, output: int, telling: int | None) -> None:
    """Standard input at its end, both outputs in one pipe, TELLING to the warden, and nothing else is open."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    if telling is not None:
        os.dup2(telling, TELLING)
        os.set_inheritable(TELLING, False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(TELLING if telling is None else TELLING + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def become_script(*, job: Job, layout: Layout, user: int | None, warden: int | None) -> NoReturn:
    """In a child, connected: never returns. TELLING closes by itself on success. The warden is named if it is the
    parent: the script ends with it.
    """
    try:
        os.setsid()
        _renounce(job, layout, user)
        if warden is not None:
            linux.signal_at_parent_death(number=signal.SIGKILL, parent=warden)
        _limit(job)
        os.chdir(layout.root)
        os.execve(job.executable, job.argv, job.environment)
    except BaseException as error:  # noqa: BLE001 (told to the warden)
        tell(error)
    finally:
        os._exit(127)


def tell(error: BaseException) -> None:
    number = error.errno if isinstance(error, OSError) else None
    os.write(TELLING, f"{number or 0} {error}".encode(errors="replace")[:_MOST_COMPLAINT_BYTES])


def _renounce(job: Job, layout: Layout, user: int | None) -> None:
    """Rights, for good."""
    if job.recipe == HOST:
        return
    linux.renounce_future_capabilities()
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    linux.renounce_capabilities()
    linux.forbid_new_privileges()
    if job.recipe == LANDLOCK:
        landlock.restrict(layout, sights=job.sights)
    else:
        landlock.keep_to_itself()


def _limit(job: Job) -> None:
    """After the change of user: processes are counted by user."""
    for number, value in job.bounds:
        hardest = resource.getrlimit(number)[1]
        limit = value if hardest == resource.RLIM_INFINITY else min(value, hardest)
        resource.setrlimit(number, (limit, limit))
