"""How a warden brings its script into the world: the folder, the fork, the exec, and what went wrong with them."""

import os
from typing import NoReturn

from runbooks.execution import folder, linux
from runbooks.execution.channel import Job
from runbooks.execution.containment.become import become_script, connect, tell
from runbooks.execution.containment.innermost import become_first_process, namespaces
from runbooks.execution.containment.users import ScriptUser
from runbooks.execution.recipes import WITH_A_USER, WITH_NAMESPACES

_held: list[ScriptUser] = []  # for as long as this warden lives


def start_script(*, job: Job, root: str, output: int) -> int:
    """Makes the folder and executes the script in it; returns the id of its first process once it runs.

    Raises OSError or ValueError if it could not be executed.
    """
    layout = folder.Layout(root=root, script_name=job.script_name)
    user = _user_of_its_own(job)
    folder.create(layout, script=job.script.encode(), parameters=job.parameters.encode(), files=job.files)
    if user is not None:
        folder.give_to(layout, user)
    told, telling = os.pipe()
    try:
        pid = _fork(job=job, layout=layout, user=user, output=output, telling=telling)
    finally:
        os.close(telling)
    with open(told, "rb", buffering=0) as complaints:
        complaint = complaints.read(4096).decode(errors="replace")
    if complaint:
        os.waitpid(pid, 0)
        number, _, text = complaint.partition(" ")
        raise OSError(int(number), text)
    return pid


def _user_of_its_own(job: Job) -> int | None:
    if job.recipe not in WITH_A_USER:
        return None
    _held.append(ScriptUser(*job.users))
    return _held[-1].number


def _fork(*, job: Job, layout: folder.Layout, user: int | None, output: int, telling: int) -> int:
    """The script's process or, where it has namespaces of its own, the first process in them."""
    warden, ids = os.getpid(), (os.geteuid(), os.getegid())
    if job.recipe in WITH_NAMESPACES:
        pid = linux.fork_into(namespaces(job))
        if pid == 0:
            become_first_process(job=job, layout=layout, user=user, ids=ids, output=output, telling=telling)
        return pid
    pid = os.fork()
    if pid == 0:
        _become_child(job=job, layout=layout, user=user, output=output, telling=telling, warden=warden)
    return pid


def _become_child(
    *, job: Job, layout: folder.Layout, user: int | None, output: int, telling: int, warden: int
) -> NoReturn:
    try:
        connect(output=output, telling=telling)
    except BaseException as error:  # noqa: BLE001 (told to the warden)
        tell(error)
        os._exit(127)
    become_script(job=job, layout=layout, user=user, warden=warden)
