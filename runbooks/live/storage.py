"""Where sealed output lies."""

from functools import cache
from pathlib import Path

from django.conf import settings

from runbooks.domain.ports import Storage
from runbooks.storage.folder import FolderStorage


def storage() -> Storage | None:
    """None where OPSAAS_OUTPUT_DIR is not set: then all output stays in the database."""
    folder: Path | None = settings.OPSAAS_OUTPUT_DIR
    return _in_folder(folder) if folder else None


@cache
def _in_folder(folder: Path) -> Storage:
    return FolderStorage(folder)
