import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.execution.containment.ladder import LEVELS
from runbooks.execution.local import LocalExecutor
from tests.execution.helpers import folders
from tests.execution.places import local_executor


@pytest.fixture(scope="session")
def passable_folder() -> Iterator[Path]:
    """Pytest's own is closed to the users that scripts run as where the worker is root; and a folder below /tmp can't
    be taken away where a script's /tmp is its own."""
    with tempfile.TemporaryDirectory(prefix="opsaas-test-", dir="/var/tmp") as made:
        os.chmod(made, 0o711)
        yield Path(made)


@pytest.fixture(scope="module", params=LEVELS)
def recipe(request: pytest.FixtureRequest) -> str:
    """Each way to keep a script from the machine."""
    return str(request.param)


@pytest.fixture(scope="module")
def base_folder(passable_folder: Path, recipe: str) -> Path:
    return passable_folder / recipe


@pytest.fixture(scope="module")
def shared_executor(base_folder: Path, recipe: str) -> Iterator[LocalExecutor]:
    with local_executor(base_folder, recipe=recipe) as started:
        yield started


@pytest.fixture
def executor(shared_executor: LocalExecutor, base_folder: Path) -> Iterator[LocalExecutor]:
    yield shared_executor
    assert folders(base_folder) == []
