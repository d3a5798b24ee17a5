from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.execution.local import LocalExecutor
from tests.execution.helpers import folders


@pytest.fixture
def base_folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def executor(base_folder: Path) -> Iterator[LocalExecutor]:
    with LocalExecutor(base_folder=base_folder) as started:
        yield started
    assert folders(base_folder) == []
