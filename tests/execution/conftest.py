from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.execution.local import LocalExecutor
from tests.execution.helpers import folders


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work") / "runs"


@pytest.fixture(scope="module")
def shared_executor(base_folder: Path) -> Iterator[LocalExecutor]:
    with LocalExecutor(base_folder=base_folder) as started:
        yield started


@pytest.fixture
def executor(shared_executor: LocalExecutor, base_folder: Path) -> Iterator[LocalExecutor]:
    yield shared_executor
    assert folders(base_folder) == []
