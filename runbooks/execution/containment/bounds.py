"""Limits of the kernel for one script, as the worker hands them to the warden."""

import resource

from runbooks.domain.ports import Containment

NO_DUMPS = (resource.RLIMIT_CORE, 0)  # they would hold secrets, and lie wherever the machine puts them


def bounds(containment: Containment) -> list[tuple[int, int]]:
    """Number and value of each limit to set. They hold for each process, but that of processes for all together."""
    wanted = (
        (resource.RLIMIT_CPU, containment.cpu_seconds),
        (resource.RLIMIT_DATA, containment.memory_bytes),
        (resource.RLIMIT_NPROC, containment.processes),
        (resource.RLIMIT_NOFILE, containment.open_files),
        (resource.RLIMIT_FSIZE, containment.file_bytes),
    )
    return [NO_DUMPS, *((number, value) for number, value in wanted if value is not None)]
