"""Landlock: a process gives up files, signals and abstract sockets for itself and all that it starts. No root needed.

The machine's processes stay visible, but their environment and memory are closed: a restricted process may trace only
what is restricted with it. Sockets that have a path can still be connected to where the user's permissions allow it.
"""

import os

from runbooks.execution import linux
from runbooks.execution.containment.ownroot import DEVICES
from runbooks.execution.containment.view import LINK, PRIVATE, Sight
from runbooks.execution.folder import Layout

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _USE_DEVICE = 1 << 14, 1 << 15
_ALL = (1 << 16) - 1
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _USE_DEVICE
_LOOK = _READ_FILE | _READ_FOLDER
_LEAST_VERSION = 6  # of the kernel's interface: the first with signals and abstract sockets


def restrict(layout: Layout, *, sights: list[Sight]) -> None:
    """Raises OSError where the kernel does not offer it."""
    if linux.landlock_version() < _LEAST_VERSION:
        raise OSError(0, f"Landlock of this kernel is older than version {_LEAST_VERSION}")
    ruleset = linux.landlock_ruleset(files=_ALL)
    try:
        for kind, source, path in sights:
            if kind != LINK:
                for part in _without_keys(source, path):
                    _allow(ruleset, part, _EXECUTE | _LOOK)
        for place in ("/proc", "/sys"):
            _allow(ruleset, place, _LOOK)
        for name in DEVICES:
            _allow(ruleset, f"/dev/{name}", _READ_FILE | _WRITE_FILE | _USE_DEVICE)
        _allow(ruleset, layout.root, _ALL)
        linux.landlock_restrict_self(ruleset)
    finally:
        os.close(ruleset)


def keep_to_itself() -> None:
    """Signals and abstract sockets only; where the kernel is too old for it, the namespaces or the user must do."""
    if linux.landlock_version() >= _LEAST_VERSION:
        ruleset = linux.landlock_ruleset(files=0)
        try:
            linux.landlock_restrict_self(ruleset)
        finally:
            os.close(ruleset)


def _without_keys(source: str, path: str) -> list[str]:
    """A rule can't be taken back for a part: where keys are, their neighbours are named instead."""
    if not any(f"/etc/{private}".startswith(f"{path}/") for private in PRIVATE):
        return [source]
    return [f"{source}/{name}" for name in os.listdir(source) if f"{path}/{name}".removeprefix("/etc/") not in PRIVATE]


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not on this machine
    try:
        linux.landlock_allow(ruleset, place, rights if os.path.isdir(path) else rights & _FOR_FILES)
    finally:
        os.close(place)
