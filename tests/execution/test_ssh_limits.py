"""What a plain shell on a node keeps a script within, and that nothing starts where it can't."""

import os
import random
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.domain.ports import Containment, OutcomeKind
from runbooks.execution.ssh.executor import SshExecutor
from tests.execution.ssh_fixtures import SHELLS, Node, node, server, shared_node
from tests.execution.ssh_servers import Server, shims
from tests.execution.test_containment import LIMITS

__all__ = ["node", "server", "shared_node"]

OF_EACH_PROCESS = sorted(set(LIMITS) - {"processes"})
NAMES = {"cpu_seconds": "cpu time", "memory_bytes": "data size", "open_files": "open files", "file_bytes": "file size"}
NUMBERS = {
    "cpu_seconds": resource.RLIMIT_CPU,
    "memory_bytes": resource.RLIMIT_DATA,
    "open_files": resource.RLIMIT_NOFILE,
    "file_bytes": resource.RLIMIT_FSIZE,
}


def within(**limits: int) -> Containment:
    return Containment(**limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", OF_EACH_PROCESS)
def test_a_limit_is_kept(node: Node, name: str) -> None:
    value, script = LIMITS[name]
    outcome, sink = node.run(script, containment=within(**{name: value}))
    assert (outcome.kind, outcome.exit_code == 0) == (OutcomeKind.EXITED, False), sink.text
    free, _ = node.run(script, timeout_seconds=1.5)
    assert free.exit_code == 0 or free.kind is OutcomeKind.TIMED_OUT


def test_all_limits_are_in_force_together_and_nobody_can_raise_them(node: Node) -> None:
    most = {"cpu_seconds": 7, "memory_bytes": 1 << 30, "open_files": 64, "file_bytes": 1 << 20}
    outcome, sink = node.run("", "cat", "/proc/self/limits", containment=within(**most))
    lines = {line[4:25].strip(): line[26:].split()[:2] for line in sink.text.splitlines()}
    assert {name: lines[words] for name, words in NAMES.items()} == {
        name: [str(value)] * 2 for name, value in most.items()
    }
    assert (outcome.exit_code, outcome.limits) == (0, {})


def test_limits_bind_the_script_alone(node: Node) -> None:
    """Its wrapper takes down more than the script may write."""
    script = "echo a=1 >> $OPSAAS_OUTPUT_FILE; : > $OPSAAS_ARTIFACTS_DIR/x; echo end"
    data = "x" * 100_000
    containment = within(file_bytes=1024, open_files=16, cpu_seconds=1, memory_bytes=16 << 20)
    outcome, sink = node.run(script, parameters={"data": data}, containment=containment)
    assert (outcome.exit_code, outcome.outputs, sink.text) == (0, {"a": "1"}, "end\n")


@pytest.fixture(params=SHELLS)
def account(request: pytest.FixtureRequest) -> Iterator[Node]:
    """A node where scripts are not root."""
    if os.geteuid() != 0:
        pytest.skip("another user's processes need root")
    with tempfile.TemporaryDirectory(prefix="opsaas-node-") as folder, Server() as server:
        places = Path(folder) / "places"
        places.mkdir()
        os.chmod(folder, 0o755)
        os.chmod(places, 0o777)
        server.tools = shims(Path(folder) / "bin", request.param)
        server.account = random.randrange(10**6, 10**9)  # all that an account runs is counted
        with SshExecutor(places=(str(places),)) as executor:
            node = Node(executor, server.target, places)
            node.server = server  # type: ignore[attr-defined]
            yield node


def test_a_limit_of_processes_is_kept_where_the_account_is_not_root(account: Node) -> None:
    most, script = LIMITS["processes"]
    outcome, sink = account.run(script, containment=within(processes=most))
    assert (outcome.kind, outcome.exit_code == 0) == (OutcomeKind.EXITED, False), sink.text
    assert account.left() == []


def test_a_limit_of_processes_that_the_account_has_reached_starts_nothing(account: Node) -> None:
    other = account.start("for i in 1 2 3 4 5 6 7 8; do sleep 60 & done; echo ready; wait")
    other.until_it_says("ready")
    outcome, sink = account.run("echo hello", containment=within(processes=8))
    assert (outcome.kind, sink.text) == (OutcomeKind.NOT_STARTED, "")
    assert "processes of its account are there already" in outcome.detail
    account.server.cut()  # type: ignore[attr-defined]
    other.outcome()
    account.until_clean(other.work.run_id)


@pytest.mark.parametrize("name", OF_EACH_PROCESS)
def test_a_node_that_is_stricter_stays_so_and_it_is_told(account: Node, name: str) -> None:
    less = {"cpu_seconds": 50, "memory_bytes": 512 << 20, "open_files": 128, "file_bytes": 4 << 20}[name]
    account.server.limits = {NUMBERS[name]: less}  # type: ignore[attr-defined]
    outcome, sink = account.run("echo hello", containment=within(**{name: 2 * less}))
    assert (outcome.exit_code, sink.text, outcome.limits) == (0, "hello\n", {name: less})


@pytest.mark.skipif(os.geteuid() != 0, reason="scripts are not root here")
def test_processes_of_root_cannot_be_limited_and_nothing_starts(node: Node) -> None:
    outcome, sink = node.run("echo hello", containment=within(processes=50))
    assert (outcome.kind, outcome.exit_code, sink.text) == (OutcomeKind.NOT_STARTED, 126, "")
    assert "scripts run as root there" in outcome.detail


def test_a_shell_without_the_means_is_named_and_nothing_starts(server: Server, node: Node, tmp_path: Path) -> None:
    """As an old shell that knows no ulimit."""
    shell = tmp_path / "sh"
    shell.write_text('#!/bin/dash\nw="ulimit() { return 1; }; $2"; shift 2; exec dash -c "$w" "$@"\n')
    shell.chmod(0o755)
    before, server.tools = server.tools, str(tmp_path)
    try:
        outcome, sink = node.run("echo hello", containment=within(open_files=64))
    finally:
        server.tools = before
    assert (outcome.kind, sink.text) == (OutcomeKind.NOT_STARTED, "")
    assert "The limit of open files can't be kept on web1: its shell has no ulimit for that." in outcome.detail
