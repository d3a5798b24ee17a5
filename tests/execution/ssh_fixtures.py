"""A node in this process, and an executor that reaches it. Import what a test module needs; see also ssh_servers.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.domain.ports import Target
from runbooks.execution.ssh.executor import SshExecutor
from tests.execution.helpers import survivors, wait_until
from tests.execution.places import Place
from tests.execution.ssh_servers import Server, shims

SHELLS = ("dash", "bash", "busybox")


@pytest.fixture(scope="module", params=SHELLS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Nodes whose sh is not always the same."""
    with Server() as running:
        running.tools = shims(tmp_path_factory.mktemp("node") / "bin", request.param)
        yield running


class Node(Place):
    """A machine, and the executor that runs scripts on it."""

    executor: SshExecutor
    target: Target

    def __init__(self, executor: SshExecutor, target: Target, folder: Path) -> None:
        super().__init__(executor, folder, target)

    def until_clean(self, run_id: str, *, within: float = 10.0) -> None:
        """For links that were cut: the node tidies up by itself, a moment later."""
        wait_until(lambda: not survivors(run_id) and not self.left(), within=within)


@pytest.fixture(scope="module")
def shared_node(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("places")
    with SshExecutor(places=("/no/such/place", str(folder))) as executor:
        yield Node(executor, server.target, folder)


@pytest.fixture
def node(shared_node: Node) -> Iterator[Node]:
    yield shared_node
    assert shared_node.left() == []
