"""The worker's end of its spawner: starts it, asks it for wardens, starts it again if it dies."""

import array
import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

from runbooks.execution.channel import Channel, Job

ANSWER_SECONDS = 30.0  # a spawner that says nothing for so long is given up
STOP_SECONDS = 15.0
TRIES = 3
_CODE = """
import sys
sys.path.insert(0, sys.argv[1])
from runbooks.execution.spawner import main
main(*map(int, sys.argv[2:]))
"""
_PACKAGE_FOLDER = str(Path(__file__).resolve().parents[2])


class NoWarden(Exception):
    """The spawner of this worker could not be started or did not answer."""


class WardenHandle:
    """One warden that has taken its job: the channel to it and the read end of its script's output."""

    def __init__(self, *, connection: socket.socket, output: int) -> None:
        self._connection = connection
        self.channel = Channel(connection.fileno())
        self.output = output
        self.pid = 0
        self.early: list[str] = []  # what it said before anybody listened

    def give(self, job: Job) -> list[str] | None:
        """Sends the job; returns the first lines heard, None if the other side closed. Raises TimeoutError."""
        self._connection.settimeout(ANSWER_SECONDS)
        try:
            self._connection.sendall(job.pack())
        except ConnectionError:
            return None
        self._wait()
        return self.channel.hear()

    def dismiss(self) -> list[str]:
        """Lets the warden remove the folder and waits until it is gone. Returns its last lines."""
        self.channel.say("done")
        os.set_blocking(self.channel.fileno(), True)
        last: list[str] = []
        while (lines := self.channel.hear()) is not None:
            last += lines
        return last

    def abandon(self) -> None:
        """Makes the warden end the script at once, as if this worker had died, and waits until it is gone."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self.dismiss()

    def close(self) -> None:
        self._connection.close()
        os.close(self.output)

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        if not poll.poll(ANSWER_SECONDS * 1000):
            raise TimeoutError


class SpawnerLink:
    """Safe to use from many threads. After a fork of the worker the child gets a spawner of its own."""

    def __init__(self, *, lock: int) -> None:
        """`lock` is a descriptor that spawner and wardens hold open as long as they live."""
        self._lock_descriptor = lock
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._former: list[subprocess.Popen[bytes]] = []  # given up; to be taken leave of when they end
        self._owner = 0

    def start(self) -> None:
        """Starts the spawner unless it runs; otherwise the first script would wait for it."""
        with self._lock:
            self._connected()

    def stop(self) -> None:
        """Ends the spawner, with it the wardens, with them their scripts; waits for that."""
        with self._lock:
            self._forget()
            processes, self._former = self._former, []
        for process in processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def warden(self, *, run_id: str, folder: str, job: Job) -> WardenHandle:
        """A warden that has the job. When this raises NoWarden, no script has been started."""
        request = f"{run_id}\n{folder}".encode()
        for _ in range(TRIES):
            handle = self._ask(request, job)
            if handle is not None:
                return handle
        raise NoWarden(f"The spawner process of this worker died {TRIES} times while starting the script.")

    def _ask(self, request: bytes, job: Job) -> WardenHandle | None:
        """None if the spawner or the warden died over it, before the script was started: trying again is safe."""
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        handle = WardenHandle(connection=ours, output=read_end)
        try:
            with theirs:
                try:
                    connection = self._send(request, [theirs.fileno(), write_end])
                finally:
                    os.close(write_end)
            if self._give(handle, job, connection):
                return handle
        except BaseException:
            handle.close()
            raise
        handle.close()
        return None

    def _give(self, handle: WardenHandle, job: Job, connection: socket.socket | None) -> bool:
        """Sends the job and waits for the warden's word that it is about to start it. False if it died before."""
        try:
            lines = handle.give(job)
        except TimeoutError:
            self._give_up(connection)
            raise NoWarden(f"The spawner process of this worker did not answer for {ANSWER_SECONDS:.0f} s.") from None
        if not lines:
            self._give_up(connection)
            return False
        word, _, text = lines[0].partition(" ")
        if word == "refused":
            raise NoWarden(f"The machine refused another process: {text}.")
        handle.pid, handle.early = int(text), lines[1:]
        return True

    def _send(self, request: bytes, descriptors: list[int]) -> socket.socket | None:
        """The connection used; None if the spawner was gone."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        with self._lock:
            connection = self._connected()
            try:
                connection.sendmsg([request], rights, socket.MSG_NOSIGNAL)
            except (ConnectionError, TimeoutError):
                self._forget()
                return None
            return connection

    def _give_up(self, connection: socket.socket | None) -> None:
        """The next request gets a new spawner, unless another thread has already seen to it."""
        with self._lock:
            if connection is not None and self._connection is connection:
                self._forget()

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None and self._owner == os.getpid():
            self._former.append(self._process)
        self._connection = self._process = None

    def _connected(self) -> socket.socket:
        if self._owner != os.getpid():
            self._forget()
            self._former = []
        if self._connection is None:
            self._former = [process for process in self._former if process.poll() is None]
            self._connection = self._spawn()
            self._owner = os.getpid()
        return self._connection

    def _spawn(self) -> socket.socket:
        """Executes the spawner with nothing of ours: no descriptors, no environment, no terminal, no folder."""
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _CODE, _PACKAGE_FOLDER, str(theirs.fileno()), str(self._lock_descriptor)],
                pass_fds=[theirs.fileno(), self._lock_descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={"LANG": "C.UTF-8"},
                start_new_session=True,
            )
        ours.settimeout(ANSWER_SECONDS)
        return ours
