"""How a warden brings its script into the world: the folder, the fork, the exec, and what went wrong with them."""

import os
import signal

from runbooks.execution import folder
from runbooks.execution.channel import Job
from runbooks.execution.linux import signal_at_parent_death


def start_script(*, job: Job, root: str, output: int) -> int:
    """Makes the folder and executes the script in it; returns its process id once it runs.

    Raises OSError or ValueError if it could not be executed.
    """
    layout = folder.Layout(root=root, script_name=job.script_name)
    folder.create(layout, script=job.script.encode(), parameters=job.parameters.encode())
    told, telling = os.pipe()
    warden = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_script(job, root, output, telling, warden)
    os.close(telling)
    try:
        complaint = os.read(told, 4096).decode(errors="replace")
    finally:
        os.close(told)
    if complaint:
        os.waitpid(pid, 0)
        number, _, text = complaint.partition(" ")
        raise OSError(int(number), text)
    return pid


def _become_script(job: Job, root: str, output: int, telling: int, warden: int) -> None:
    """In the child: never returns. What goes wrong is written to `telling`, which closes by itself on success."""
    try:
        os.setsid()
        signal_at_parent_death(number=signal.SIGKILL, parent=warden)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(root)
        os.execve(job.executable, job.argv, job.environment)
    except BaseException as error:  # noqa: BLE001 (told to the parent)
        number = error.errno if isinstance(error, OSError) else None
        os.write(telling, f"{number or 0} {error}".encode(errors="replace")[:4096])
    finally:
        os._exit(127)
