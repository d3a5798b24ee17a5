"""The private working folder of a script: making it, reading what the script left in it, removing it.

A script may fill its folder with anything: links to elsewhere, FIFOs, unreadable or very deep directories, names that
are no UTF-8, mounts. Nothing here follows a link, blocks, recurses or crosses a mount.
"""

import errno
import os
import stat

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_TAKEN_UP = ".opsaas-removing-"


class Layout:
    """Where things are in a working folder. The folder itself is the script's current directory and HOME."""

    def __init__(self, *, root: str, script_name: str) -> None:
        self.root = root
        self.own = f"{root}/.opsaas"  # everything of ours in one hidden place: scripts find an empty folder
        self.script = f"{self.own}/script/{script_name}"
        self.parameters = f"{self.own}/params.json"
        self.output = f"{self.own}/output"
        self.summary = f"{self.own}/summary.md"
        self.artifacts = f"{self.own}/artifacts"
        self.temporary = f"{self.own}/temporary"
        self.files = f"{self.own}/files"
        self.view = f"{self.own}/view"  # where a root of its own is put together

    def file(self, parameter: str, name: str) -> str:
        """Where the file lies that was given for a parameter."""
        return f"{self.files}/{parameter}/{name}"


def create(layout: Layout, *, script: bytes, parameters: bytes, files: dict[str, tuple[str, bytes]]) -> None:
    """Makes the folder with all that the script will find in it. FILES: name and content by parameter."""
    for path in (layout.root, layout.own, f"{layout.own}/script", layout.artifacts, layout.temporary, layout.view):
        os.mkdir(path, 0o700)
    _write(layout.script, script, 0o700)
    _write(layout.parameters, parameters, 0o600)
    _write(layout.output, b"", 0o600)
    _write(layout.summary, b"", 0o600)
    os.mkdir(layout.files, 0o700)
    for parameter, (name, data) in files.items():
        os.mkdir(f"{layout.files}/{parameter}", 0o700)
        _write(layout.file(parameter, name), data, 0o600)


def give_to(layout: Layout, user: int) -> None:
    """Makes the folder the user's own, before anything of that user runs."""
    for place, _, files in os.walk(layout.root):
        for path in (place, *(f"{place}/{name}" for name in files)):
            os.chown(path, user, user, follow_symlinks=False)


def read_left_file(layout: Layout, path: str, *, limit: int) -> bytes:
    """Up to `limit` + 1 bytes of a regular file that the script left; empty if it removed it.

    Raises OSError if something else is in the file's place.
    """
    folder = open_without_links(layout.root, os.path.relpath(os.path.dirname(path), layout.root))
    if folder is None:
        return b""
    try:
        return _read_regular(os.path.basename(path), folder, limit + 1, owner=foreign_owner(layout.root))
    finally:
        os.close(folder)


def remove(root: str) -> None:
    """Removes the folder and all that is in it. Raises OSError if something of it could not be removed.

    Each directory is renamed before it is entered: that fails on a mount point, so that what a script mounted into
    its folder is never emptied. Directories below are taken up to the top one by one: no depth exhausts anything.
    """
    parent, name = os.path.split(root)
    parent_folder = os.open(parent, _FOLDER)
    try:
        doomed = _take_up(name, parent_folder, parent_folder)
        if doomed is not None:
            _remove_taken(doomed, parent_folder)
    finally:
        os.close(parent_folder)


def _remove_taken(name: str, parent: int) -> None:
    try:
        top = _open(name, parent)
    except NotADirectoryError:
        os.unlink(name, dir_fd=parent)
        return
    try:
        while _remove_pass(top):
            pass
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)


def _remove_pass(top: int) -> bool:
    """Removes what is directly in the folder, and lifts what is below. False when nothing was left to do."""
    found = moved = False
    failure: OSError | None = None
    with os.scandir(top) as entries:
        for entry in entries:
            found = True
            try:
                _remove_entry(entry, top)
                moved = True
            except OSError as error:
                failure = error
    if failure is not None and not moved:
        raise failure
    return found


def _remove_entry(entry: "os.DirEntry[str]", top: int) -> None:
    if not entry.is_dir(follow_symlinks=False):
        os.unlink(entry.name, dir_fd=top)
        return
    name = _take_up(entry.name, top, top)
    if name is not None:
        _lift_content(name, top)
        os.rmdir(name, dir_fd=top)


def _lift_content(name: str, top: int) -> None:
    folder = _open(name, top)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _take_up(entry.name, folder, top)
                else:
                    os.unlink(entry.name, dir_fd=folder)
    finally:
        os.close(folder)


def _take_up(name: str, source: int, target: int) -> str | None:
    """Gives an entry a name of ours, then moves it. The first step fails with EBUSY on a mount point."""
    fresh = _TAKEN_UP + os.urandom(8).hex()
    try:
        os.rename(name, fresh, src_dir_fd=source, dst_dir_fd=source)
    except FileNotFoundError:
        return None
    if source != target:
        os.close(_open(fresh, source))  # moving a directory needs the right to write into it
        os.rename(fresh, fresh, src_dir_fd=source, dst_dir_fd=target)
    return fresh


def _open(name: str, parent: int) -> int:
    """Opens a directory whatever its mode, and makes it ours to empty."""
    try:
        folder = os.open(name, _FOLDER, dir_fd=parent)
    except PermissionError:
        handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            os.chmod(f"/proc/self/fd/{handle}", 0o700)
        finally:
            os.close(handle)
        folder = os.open(name, _FOLDER, dir_fd=parent)
    os.fchmod(folder, 0o700)
    return folder


def open_without_links(root: str, inner: str) -> int | None:
    """Opens root/inner, refusing a link at any place that the script could have changed. None if it is not there."""
    folder = -1
    try:
        folder = _open_here(root, None)
        for part in inner.split("/"):
            outer, folder = folder, _open_here(part, folder)
            os.close(outer)
    except FileNotFoundError:
        if folder >= 0:
            os.close(folder)
        return None
    except OSError:
        if folder >= 0:
            os.close(folder)
        raise
    return folder


def _open_here(name: str, parent: int | None) -> int:
    return os.open(name, _FOLDER, dir_fd=parent)


def foreign_owner(root: str) -> int | None:
    """The user that the folder was given to, if it is not our own: whoever reads for it may read more than it may."""
    owner = os.lstat(root).st_uid
    return None if owner == os.geteuid() else owner


def _read_regular(name: str, folder: int, count: int, *, owner: int | None) -> bytes:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return b""
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if owner is not None and found.st_uid != owner:
            raise OSError(errno.EPERM, "it is another name of a file that does not belong to the script")
        return file.read(count)


def _write(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)  # the umask may have taken something away
        file.write(data)
