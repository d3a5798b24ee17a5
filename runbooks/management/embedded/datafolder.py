"""The folder that holds everything an embedded installation keeps."""

import fcntl
import os
from pathlib import Path


class DataFolderError(Exception):
    """The data folder can't be used; the message says why and what to do."""


def prepare(folder: Path) -> None:
    """Makes the folder, readable by its owner only."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise DataFolderError(f"The data folder {folder} can't be used: {error.strerror}.") from error


def lock(folder: Path) -> int:
    """Takes the folder for this process until it ends; the descriptor it returns must stay open, across exec too."""
    descriptor = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise DataFolderError(
            f"opsaas already runs from {folder} (process {holder}). "
            "Stop that one first, or give this one a folder of its own with OPSAAS_DATA_DIR."
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    os.set_inheritable(descriptor, True)
    return descriptor
