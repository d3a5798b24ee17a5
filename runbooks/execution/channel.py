"""The conversation between a worker thread and its warden over a stream socket.

| who    | says                                                                                                     |
|--------|----------------------------------------------------------------------------------------------------------|
| worker | the job; without its last byte nothing is started                                                        |
| warden | `warden PID`: it has the job, and from here on the script may have been started                          |
| worker | `renew SECONDS` (CLOCK_BOOTTIME) any number of times; `stop` politely; `kill` at once                    |
| warden | `ended WHY CODE LEFT` or `not_started ERRNO TEXT`: nothing of the script is left, but for LEFT           |
| worker | `done`: it has read what the script left in its folder                                                   |
| warden | `too_late`, if that took longer than the lease; `not_removed TEXT`, if the folder could not be removed  |

A closed socket means to the warden that the worker is dead, and to the worker that the warden is gone and reaped.
Lines and marshal instead of JSON: a waiting warden costs only the memory pages that its code has touched.
"""

import contextlib
import marshal
import os
import select

from runbooks.execution.recipes import HOST

READ_BYTES = 65536


class Job:
    """All that a warden needs to know of its script."""

    def __init__(
        self,
        *,
        executable: str,
        argv: list[str],
        environment: dict[str, str],
        script: str,
        script_name: str,
        parameters: str,
        timeout: float,
        grace: float,
        deadline: float,
        files: dict[str, tuple[str, bytes]] | None = None,
        recipe: str = HOST,
        network: bool = True,
        users: tuple[int, int] = (0, 0),
        sights: list[tuple[str, str, str]] | None = None,
        bounds: list[tuple[int, int]] | None = None,
    ) -> None:
        self.executable = executable
        self.argv = argv
        self.environment = environment
        self.script = script
        self.script_name = script_name
        self.parameters = parameters  # JSON
        self.files = files or {}  # given for parameters: name and content
        self.timeout = timeout  # seconds from the start
        self.grace = grace  # seconds between TERM and KILL
        self.deadline = deadline  # CLOCK_BOOTTIME seconds by which the worker must have renewed
        self.recipe = recipe  # how it is kept from the machine
        self.network = network
        self.users = users  # first and last of those that a script may run as
        self.sights = sights or []  # what it sees of the machine's files, see `view`
        self.bounds = bounds or []  # limits of the kernel, number and value

    def pack(self) -> bytes:
        content = marshal.dumps(vars(self))
        return b"%d\n%b" % (len(content), content)


class Channel:
    """Either end. The worker's is non-blocking."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unread = b""

    def fileno(self) -> int:
        return self._descriptor

    def say(self, word: str, *rest: object) -> None:
        """Does nothing when the other side is gone or takes nothing: it will not miss the line then."""
        line = " ".join((word, *map(str, rest))).replace("\n", " ")
        with contextlib.suppress(OSError):
            os.write(self._descriptor, line.encode(errors="replace") + b"\n")

    def hear(self) -> list[str] | None:
        """The lines that are whole now; waits for bytes if blocking. None once the other side has closed."""
        if not self._fill():
            return None
        return self.take_early()

    def take_early(self) -> list[str]:
        """The lines that have been read already."""
        *lines, self._unread = self._unread.split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def take_job(self) -> Job | None:
        """None if the worker closed before all of it was there."""
        while b"\n" not in self._unread:
            if not self._fill():
                return None
        length, _, content = self._unread.partition(b"\n")
        while len(content) < int(length):
            self._unread = b""
            if not self._fill():
                return None
            content += self._unread
        self._unread = content[int(length) :]
        return Job(**marshal.loads(content[: int(length)]))  # noqa: S302 (the worker decides what is executed anyway)

    def is_closed(self) -> bool:
        """Whether the other side is gone, whatever it said before."""
        poll = select.poll()
        poll.register(self._descriptor, 0)
        return bool(poll.poll(0))

    def close(self) -> None:
        os.close(self._descriptor)

    def _fill(self) -> bool:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        self._unread += data
        return bool(data)
