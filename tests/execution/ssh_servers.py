"""SSH servers to run scripts on: one inside the test process, which can be cut and bent, and OpenSSH's own sshd.

Both really execute what they are asked to, by a login shell, on this machine.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
import pytest

from runbooks.domain.ports import Target
from tests.execution.helpers import wait_until

SSHD = Path("/usr/sbin/sshd")
PASSWORD = "correct horse"
USER = "operator"
BUSYBOX_TOOLS = (
    "sh",
    "awk",
    "cat",
    "chmod",
    "date",
    "dd",
    "find",
    "grep",
    "head",
    "mkdir",
    "mkfifo",
    "rm",
    "sleep",
    "wc",
)
T = TypeVar("T")


def new_key(kind: str = "ssh-ed25519") -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind)


def public(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


def private(key: asyncssh.SSHKey, password: str | None = None) -> str:
    return key.export_private_key(passphrase=password).decode()


class Server:
    """asyncssh in a thread. `cut()` does what a broken network does: no farewell."""

    def __init__(
        self,
        *,
        login_shell: tuple[str, ...] = ("sh", "-c"),
        max_sessions: int = 100,
        hosts: Sequence[str] = ("127.0.0.1",),
    ) -> None:
        self.hosts = hosts  # all of loopback, and answering at one port
        self.login_shell = login_shell
        self.max_sessions = max_sessions  # of one connection
        self.account: int | None = None  # whose processes its scripts are; None: of whoever runs the tests
        self.limits: dict[int, int] = {}  # as an administrator of the node might set them, by their number
        self.tools = ""  # a folder that comes before the system's own, as another kind of node would have it
        self.key = new_key()
        self.host_keys = [new_key()]
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.accepted = 0  # connections so far
        self.commands: list[str] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Server":
        self._thread.start()
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.run(self._rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self) -> None:
        self.run(self._listen())

    def close(self) -> None:
        async def stop_listening() -> None:
            self._acceptor.close()

        self.run(stop_listening())
        self.cut()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def cut(self) -> None:
        async def abort() -> None:
            for connection in list(self.connections):
                connection.abort()

        self.run(abort())

    @property
    def target(self) -> Target:
        return Target(
            name="web1",
            host="127.0.0.1",
            port=self.port,
            user=USER,
            host_keys=tuple(public(key) for key in self.host_keys),
            private_key=private(self.key),
        )

    async def _listen(self) -> None:
        self._acceptor = await asyncssh.listen(
            self.hosts,
            self.port or free_port(),
            server_factory=lambda: Visitor(self),
            server_host_keys=self.host_keys,
            encoding=None,
            line_editor=False,
        )
        self.port = self._acceptor.get_port()

    async def _rest(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()

    async def serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        self.commands.append(command)
        if self.tools:
            command = command.replace("PATH=", f"PATH={self.tools}:", 1)
        pipes = [os.pipe() for _ in range(3)]
        (stdin, to_child), (from_child, stdout), (errors_of_child, stderr) = pipes
        child = subprocess.Popen(  # noqa: ASYNC220 (a process of asyncio is killed with its pipes)
            [*self.login_shell, command],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            cwd="/",
            user=self.account,
            preexec_fn=self._limit if self.limits else None,  # noqa: PLW1509
            env={"HOME": "/", "PATH": os.environ["PATH"], "DATABASE_URL": "postgres://secret"},
        )
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
        feeding = asyncio.create_task(self._feed(process, to_child))
        await asyncio.gather(
            self._drain(from_child, process.stdout),
            self._drain(errors_of_child, process.stderr),
            self._reap(child),
            return_exceptions=True,
        )
        feeding.cancel()
        with contextlib.suppress(Exception):
            process.exit(child.wait() if child.returncode >= 0 else 128 - child.returncode)

    def _limit(self) -> None:
        for number, value in self.limits.items():
            resource.setrlimit(number, (value, value))

    async def _reap(self, child: subprocess.Popen[bytes]) -> None:
        while child.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    async def _feed(self, process: asyncssh.SSHServerProcess[bytes], to_child: int) -> None:
        with FileIO(to_child, "wb") as pipe, contextlib.suppress(asyncssh.Error, OSError):
            while data := await process.stdin.read(65536):
                while data:
                    data = data[await self._loop.run_in_executor(None, pipe.write, data) :]

    async def _drain(self, source: int, writer: asyncssh.SSHWriter[bytes]) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self._loop.connect_read_pipe(lambda: protocol, FileIO(source, "rb"))
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            transport.close()


class Visitor(asyncssh.SSHServer):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._sessions = 0

    def connection_made(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connection = connection
        self._server.connections.append(connection)
        self._server.accepted += 1

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.remove(self._connection)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == self._server.key.convert_to_public()

    def session_requested(self) -> Any:
        if self._sessions >= self._server.max_sessions:
            return False
        self._sessions += 1
        channel = self._connection.create_server_channel(None, "strict", 2**21, 2**15)
        return channel, asyncssh.SSHServerProcess(self._serve, None, 0, False)

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        try:
            await self._server.serve(process)
        finally:
            self._sessions -= 1

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Sshd:
    """OpenSSH's server on a high port, as the user who runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key, self.host_key = new_key(), new_key()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(exist_ok=True, mode=0o700)
        self.port = free_port()
        self._write("host_key", private(self.host_key))
        self._write("authorized_keys", public(self.key) + "\n")
        self._write("config", self._config())

    def let_in(self, key: asyncssh.SSHKey) -> None:
        """By this key from now on."""
        self.key = key
        self._write("authorized_keys", public(key) + "\n")

    def __enter__(self) -> "Sshd":
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where it wants to lock itself up
        command = [str(SSHD), "-D", "-e", "-f", str(self.folder / "config")]
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(command, stderr=self.log, stdin=subprocess.DEVNULL)
        wait_until(self._answers)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        for pid in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.log.close()

    def sessions(self) -> list[int]:
        """The server's processes for connections."""
        assert self.process is not None
        listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
        rows = [line.split(None, 2) for line in listing.stdout.splitlines()]
        found = {self.process.pid}
        for _ in range(3):
            found |= {int(pid) for pid, parent, args in rows if int(parent) in found and args.startswith("sshd")}
        return sorted(found - {self.process.pid})

    @property
    def target(self) -> Target:
        return Target(
            name="node1",
            host="127.0.0.1",
            port=self.port,
            user=os.environ.get("USER") or subprocess.check_output(["id", "-un"], text=True).strip(),
            host_keys=(public(self.host_key),),
            private_key=private(self.key),
        )

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as line:
            return line.recv(4) == b"SSH-"
        return False

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    def _config(self) -> str:
        """SHLVL keeps bash from reading the start-up file of whoever runs the tests."""
        return f"""
Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.folder}/host_key
AuthorizedKeysFile {self.folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
MaxStartups 200
PermitRootLogin prohibit-password
LogLevel ERROR
SetEnv SHLVL=2
"""


def needs_sshd() -> None:
    if not SSHD.exists():
        pytest.skip(f"{SSHD} is missing: install the Debian package openssh-server")


def many(target: Target, count: int) -> list[Target]:
    """So many nodes of one machine."""
    return [replace(target, name=f"node{number}") for number in range(count)]


def shims(folder: Path, shell: str) -> str:
    """A folder in which the tools of a node are those of `shell`: all of them where it is busybox."""
    names = BUSYBOX_TOOLS if shell == "busybox" else ("sh",)
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(program)
    return str(folder)
