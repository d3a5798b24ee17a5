"""The few Linux calls that the standard library does not offer."""

import ctypes
import os
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_HIGHEST_CAPABILITY = 63
_CAPABILITIES_VERSION_3 = 0x20080522

# Numbers of calls that are newer than the tables of each architecture, and so the same on all.
_MOUNT_SETATTR, _CLONE3 = 442, 435
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446

NEW_MOUNTS, NEW_CGROUP, NEW_IPC = 0x00020000, 0x02000000, 0x08000000
NEW_USER, NEW_PIDS, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000

MOUNT_NOSUID, MOUNT_NODEV, MOUNT_NOEXEC = 2, 4, 8
MOUNT_BIND, MOUNT_RECURSIVE, MOUNT_SLAVE = 4096, 16384, 1 << 19
ATTRIBUTE_READ_ONLY, ATTRIBUTE_NOSUID, ATTRIBUTE_NODEV = 1, 2, 4
_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

_libc = ctypes.CDLL(None, use_errno=True)


def boottime() -> float:
    """Seconds since the machine started. Unlike CLOCK_MONOTONIC it goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def become_subreaper() -> None:
    """Makes this process the new parent of descendants whose own parent ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def signal_at_parent_death(*, number: int, parent: int) -> None:
    """Asks for a signal when the thread that forked this process ends; raises ProcessLookupError if it has already.

    Only safe in a child of a single-threaded process: the kernel follows the forking thread, not its process. To be
    asked again after a change of user, which the kernel takes for a reason to forget it.
    """
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        raise ProcessLookupError(parent)


def signal_at_unseen_parents_death(*, number: int) -> None:
    """For the first process of a PID namespace, to which its parent has no number: the caller looks if it lives."""
    _prctl(_PR_SET_PDEATHSIG, number)


def forbid_new_privileges() -> None:
    """No set-user-id bit and no file capability gives this process or its descendants anything any more."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def hide_from_peers() -> None:
    """Other processes of the same user can neither trace this process nor read its memory."""
    _prctl(_PR_SET_DUMPABLE, 0)


def renounce_future_capabilities() -> None:
    """Empties the bounding set: whatever is executed gets no capability, whoever executes it."""
    for capability in range(_HIGHEST_CAPABILITY + 1):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            return  # one past the last that this kernel knows, or none may be dropped because none is held


def renounce_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def fork_into(namespaces: int) -> int:
    """fork(), with new namespaces around the child. Only for single-threaded processes: Python is told nothing."""
    arguments = (ctypes.c_uint64 * 11)(namespaces, 0, 0, 0, 17)  # 17: SIGCHLD at its end
    return _check(_libc.syscall(_CLONE3, arguments, ctypes.sizeof(arguments)), "clone3")


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    _check(_libc.mount(*map(_text, (source, target, kind)), ctypes.c_ulong(flags), _text(options)), f"mount {target}")


def restrict_mount(target: str, attributes: int, *, all_below: bool) -> None:
    """Adds attributes to a mount and, if asked for, to every mount below it."""
    attr = (ctypes.c_uint64 * 4)(attributes)
    flags = _AT_RECURSIVE if all_below else 0
    done = _libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, _text(target), flags, attr, ctypes.c_size_t(ctypes.sizeof(attr)))
    _check(done, f"mount_setattr {target}")


def make_root(folder: str) -> None:
    """Makes a mount the root of this mount namespace, and lets go of the old one with all that was in it."""
    os.chdir(folder)
    _check(_libc.pivot_root(b".", b"."), f"pivot_root {folder}")
    _check(_libc.umount2(b".", _DETACH), "umount of the old root")
    os.chdir("/")


def landlock_version() -> int:
    """0 where the kernel has no Landlock, or it is switched off."""
    version: int = _libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    return max(version, 0)


def landlock_ruleset(*, files: int) -> int:
    """A descriptor of rules that forbid these uses of files, and signals and abstract sockets to the outside."""
    attr = (ctypes.c_uint64 * 3)(files, 0, 0b11)
    size = ctypes.c_size_t(ctypes.sizeof(attr))
    return _check(_libc.syscall(_LANDLOCK_CREATE_RULESET, attr, size, 0), "landlock_create_ruleset")


def landlock_allow(ruleset: int, place: int, rights: int) -> None:
    rule = rights.to_bytes(8, sys.byteorder) + place.to_bytes(4, sys.byteorder)
    _check(_libc.syscall(_LANDLOCK_ADD_RULE, ruleset, 1, rule, 0), "landlock_add_rule")


def landlock_restrict_self(ruleset: int) -> None:
    _check(_libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")


def _prctl(option: int, argument: int) -> None:
    _check(_libc.prctl(option, argument, 0, 0, 0), f"prctl({option})")


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _text(value: str | None) -> bytes | None:
    return None if value is None else os.fsencode(value)
