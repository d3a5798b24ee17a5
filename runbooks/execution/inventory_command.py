"""What an inventory script prints. It is named in a file that only administrators of the server write."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

MOST_BYTES = 10 * 1024 * 1024
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NoInventory(ValueError):
    """The file or script gave nothing to read; the text says why."""


def read_file(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise NoInventory(f"{path} can't be read: {error.strerror}.") from error
    return _bounded(data, path)


def run_command(command: Sequence[str], *, seconds: float) -> bytes:
    """Its standard output. It gets nothing of our environment, and is ended with its children if it takes long."""
    environment = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/"}
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        try:
            process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=said, stderr=complained, env=environment,
                start_new_session=True, cwd="/",
            )  # fmt: skip
        except OSError as error:
            raise NoInventory(f"{command[0]} can't be run: {error.strerror}.") from error
        code = _waited_for(process, command[0], seconds)
        if code != 0:
            complained.seek(0)
            text = complained.read(500).decode(errors="replace").strip()
            raise NoInventory(f"{command[0]} ended with {code}. {text}".rstrip())
        said.seek(0)
        return _bounded(said.read(MOST_BYTES + 1), command[0])


def _waited_for(process: subprocess.Popen[bytes], name: str, seconds: float) -> int:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise NoInventory(f"{name} took longer than {seconds:g} seconds.") from error


def _bounded(data: bytes, name: str) -> bytes:
    if len(data) > MOST_BYTES:
        raise NoInventory(f"{name} gave more than {MOST_BYTES:,} bytes.")
    return data
