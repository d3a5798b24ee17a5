"""What scripts leave in OPSAAS_ARTIFACTS_DIR, copied into a folder of the author's."""

import contextlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from runbooks.cli.output import say
from runbooks.cli.terminal import clean_line


class FolderKeeper:
    """The `domain.ports.ArtifactKeeper` of one step: its files go into a folder of its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, *, name: str, size: int, pieces: Iterable[bytes]) -> str:
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            return "its name leads elsewhere."
        path = self._folder / inside
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.writelines(pieces)
        except OSError as error:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            return f"{path} could not be written: {error.strerror}."
        say(f"opsaas: artifact {clean_line(str(path))} ({size:,} bytes)")
        return ""
