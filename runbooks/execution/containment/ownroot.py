"""A root directory of a script's own, made anew for each: only what it may see, and its own folder, is in there."""

import os

from runbooks.execution import linux
from runbooks.execution.containment.view import FILE, LINK, PRIVATE, Sight
from runbooks.execution.folder import Layout

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "fd/0",
    "/dev/stdout": "fd/1",
    "/dev/stderr": "fd/2",
    "/dev/ptmx": "pts/ptmx",
}
_PLACES = ("/dev/pts", "/dev/shm", "/proc", "/run", "/tmp", "/var", "/etc")  # noqa: S108
_READ_ONLY = linux.ATTRIBUTE_READ_ONLY | linux.ATTRIBUTE_NOSUID | linux.ATTRIBUTE_NODEV
_HARMLESS = linux.MOUNT_NOSUID | linux.MOUNT_NODEV


def enter(layout: Layout, *, sights: list[Sight], user: int | None) -> None:
    """In the first process of new namespaces: makes the root and moves into it. Raises OSError.

    Nothing that comes later may be written through what is mounted earlier, so: places, sights, all of it read-only,
    and only then what is writable.
    """
    top = layout.view
    linux.mount(None, "/", None, linux.MOUNT_RECURSIVE | linux.MOUNT_SLAVE)
    linux.mount("tmpfs", top, "tmpfs", _HARMLESS, "size=4m,mode=755")
    _make_places(top)
    for sight in sights:
        _show(sight, top)
    if user is not None:
        _add_person(top, user, layout.root)
    _hide_keys(top)
    os.makedirs(top + layout.root, exist_ok=True)
    if not os.path.lexists(f"{top}/var/tmp"):  # noqa: S108
        os.symlink("/tmp", f"{top}/var/tmp")  # noqa: S108 (the script's own)
    linux.restrict_mount(top, _READ_ONLY, all_below=True)
    _mount_devices(top)
    linux.mount("proc", f"{top}/proc", "proc", _HARMLESS | linux.MOUNT_NOEXEC)
    _mount_own(top, layout)
    linux.make_root(top)


def _make_places(top: str) -> None:
    for place in _PLACES:
        os.makedirs(top + place)
    for name in DEVICES:
        _make_file(f"{top}/dev/{name}")
    for name, target in _LINKS.items():
        os.symlink(target, top + name)


def _show(sight: Sight, top: str) -> None:
    kind, source, path = sight
    target = top + path
    try:
        _make_place_for(kind, source, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target))
        _make_place_for(kind, source, target)
    if kind != LINK:
        linux.mount(source, target, None, linux.MOUNT_BIND | linux.MOUNT_RECURSIVE)


def _make_place_for(kind: str, source: str, target: str) -> None:
    if kind == LINK:
        os.symlink(source, target)
    elif kind == FILE:
        _make_file(target)
    else:
        os.makedirs(target, exist_ok=True)


def _make_file(path: str, content: bytes = b"") -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def _hide_keys(top: str) -> None:
    for name in PRIVATE:
        if os.path.isdir(f"{top}/etc/{name}"):
            linux.mount("tmpfs", f"{top}/etc/{name}", "tmpfs", _HARMLESS, "size=4k,mode=555")


def _add_person(top: str, user: int, home: str) -> None:
    """Programs such as ssh and git refuse to work for a user who has no name."""
    for name, line in (("passwd", f"{user}:{user}::{home}:/bin/sh"), ("group", f"{user}:")):
        known = _read(f"{top}/etc/{name}")
        gap = b"" if known.endswith(b"\n") else b"\n"
        _make_file(f"{top}/.{name}", known + gap + f"opsaas-script:x:{line}\n".encode())
        linux.mount(f"{top}/.{name}", f"{top}/etc/{name}", None, linux.MOUNT_BIND)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _mount_devices(top: str) -> None:
    for name in DEVICES:
        linux.mount(f"/dev/{name}", f"{top}/dev/{name}", None, linux.MOUNT_BIND)
    terminals = linux.MOUNT_NOSUID | linux.MOUNT_NOEXEC
    linux.mount("devpts", f"{top}/dev/pts", "devpts", terminals, "newinstance,ptmxmode=0666,mode=620")
    linux.mount("tmpfs", f"{top}/dev/shm", "tmpfs", _HARMLESS, "size=64m,mode=1777")  # noqa: S108


def _mount_own(top: str, layout: Layout) -> None:
    """Its folder at its own place, and /tmp in it: what is written there counts as disk, not as memory."""
    for source, target in ((layout.temporary, "/tmp"), (layout.root, layout.root)):  # noqa: S108
        if target.startswith("/tmp/"):  # noqa: S108 (covered by the first)
            os.makedirs(top + target)
        linux.mount(source, top + target, None, linux.MOUNT_BIND)
        linux.restrict_mount(top + target, linux.ATTRIBUTE_NOSUID | linux.ATTRIBUTE_NODEV, all_below=False)
