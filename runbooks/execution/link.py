"""The worker's end of its spawner: starts it, asks it for wardens, starts it again if it dies."""

import array
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from runbooks.execution.channel import Channel

ANSWER_SECONDS = 30.0  # a spawner that says nothing for so long is given up
STOP_SECONDS = 15.0
TRIES = 3
_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from runbooks.execution.spawner import main; main(int(sys.argv[2]))"
)
_PACKAGE_FOLDER = str(Path(__file__).resolve().parents[2])


class NoWarden(Exception):
    """The spawner of this worker could not be started or did not answer."""


class WardenHandle:
    """One warden, ready to take a job: the channel to it and the read end of its script's output."""

    def __init__(self, *, channel: Channel, output: int) -> None:
        self.channel = channel
        self.output = output
        self.pid = 0

    def close(self) -> None:
        self.channel.close()
        os.close(self.output)


class SpawnerLink:
    """Safe to use from many threads. After a fork of the worker the child gets a spawner of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def start(self) -> None:
        """Starts the spawner unless it runs; otherwise the first script would wait for it."""
        with self._lock:
            self._connected()

    def stop(self) -> None:
        """Ends the spawner, with it the wardens, with them their scripts; waits for that."""
        with self._lock:
            process = self._process if self._owner == os.getpid() else None
            self._forget()
        if process is not None:
            process.wait(STOP_SECONDS)

    def warden(self, *, run_id: str, folder: str) -> WardenHandle:
        """A fresh warden. Nothing has been started when this raises NoWarden, so trying again is safe here."""
        for _ in range(TRIES):
            handle = self._ask(json.dumps({"run": run_id, "folder": folder}).encode())
            if handle is not None:
                return handle
        raise NoWarden(f"The spawner process of this worker died {TRIES} times while starting the script.")

    def _ask(self, request: bytes) -> WardenHandle | None:
        """None if the spawner died over it."""
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        handle = WardenHandle(channel=Channel(ours), output=read_end)
        try:
            with theirs:
                try:
                    connection = self._send(request, [theirs.fileno(), write_end])
                finally:
                    os.close(write_end)
            if self._hear(handle, connection):
                return handle
        except BaseException:
            handle.close()
            raise
        handle.close()
        return None

    def _hear(self, handle: WardenHandle, connection: socket.socket | None) -> bool:
        """Waits for the warden's first word. False if it or the spawner died before that."""
        handle.channel.connection.settimeout(ANSWER_SECONDS)
        try:
            messages = handle.channel.receive()
        except TimeoutError:
            self._give_up(connection)
            raise NoWarden(f"The spawner process of this worker did not answer for {ANSWER_SECONDS:.0f} s.") from None
        if not messages:
            self._give_up(connection)
            return False
        if "refused" in messages[0]:
            raise NoWarden(f"The machine refused another process: {messages[0]['refused']}.")
        handle.pid = messages[0]["warden"]
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
        self._connection = self._process = None

    def _connected(self) -> socket.socket:
        if self._owner != os.getpid():
            self._forget()
        if self._connection is None:
            self._connection = self._spawn()
            self._owner = os.getpid()
        return self._connection

    def _spawn(self) -> socket.socket:
        """Executes the spawner with nothing of ours: no descriptors, no environment, no terminal, no folder."""
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _CODE, _PACKAGE_FOLDER, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={"LANG": "C.UTF-8"},
                start_new_session=True,
            )
        ours.settimeout(ANSWER_SECONDS)
        return ours
