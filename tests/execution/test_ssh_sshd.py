"""The same against OpenSSH's own server. It is slow beside the one in this process, so only what may differ is here."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from runbooks.domain.ports import Outcome, OutcomeKind, StopReason
from runbooks.execution.ssh.executor import SshExecutor
from tests.execution.helpers import HeldLease, survivors
from tests.execution.ssh_fixtures import Node
from tests.execution.ssh_servers import Sshd, many, needs_sshd
from tests.execution.test_contract import EVERY_BYTE
from tests.execution.test_ending import TREES
from tests.execution.test_ssh import fine


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    needs_sshd()
    with Sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def node(sshd: Sshd, tmp_path: Path) -> Iterator[Node]:
    with SshExecutor(places=(str(tmp_path),)) as executor:
        node = Node(executor, sshd.target, tmp_path)
        yield node
        assert node.left() == []


def test_a_script_runs_with_its_values_and_hands_back(node: Node) -> None:
    script = 'printf %s "$OPSAAS_PARAM_VALUE"; echo kept=1 >> "$OPSAAS_OUTPUT_FILE"; echo done > "$OPSAAS_SUMMARY_FILE"'
    outcome, sink = node.run(script, parameters={"value": EVERY_BYTE})
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.EXITED, 0)
    assert (outcome.outputs, outcome.summary, sink.text) == ({"kept": "1"}, "done\n", EVERY_BYTE)


def test_exit_codes_signals_and_order_come_back(node: Node) -> None:
    assert node.run("exit 255")[0] == fine(255)
    assert node.run("kill -9 $$")[0] == fine(137)
    assert node.run("echo a; echo b >&2; echo c; echo d > /dev/stderr")[1].text == "a\nb\nc\nd\n"


def test_every_byte_of_a_lot_is_delivered(node: Node) -> None:
    _, sink = node.run("import os; [os.write(1, bytes(range(256)) * 1000) for _ in range(80)]", "python3")
    assert sink.data == bytes(range(256)) * 80_000


@pytest.mark.parametrize("name", ["deaf in other sessions", "stopped"])
def test_a_cancel_ends_every_descendant(node: Node, name: str) -> None:
    run = node.start(TREES[name])
    run.until_it_says("ready")
    run.lease.end(StopReason.CANCELLED)
    assert run.outcome(within=20).kind is OutcomeKind.STOPPED
    assert survivors(run.work.run_id) == []


def test_a_timeout_ends_a_script_that_ignores_it(node: Node) -> None:
    run = node.start("trap '' TERM; echo ready; sleep 60", timeout_seconds=0.5)
    assert run.outcome(within=20).kind is OutcomeKind.TIMED_OUT
    assert survivors(run.work.run_id) == []


def test_a_killed_server_is_a_cut_link_and_the_node_tidies_up(node: Node, sshd: Sshd) -> None:
    run = node.start("setsid sleep 60 & echo ready; sleep 60")
    run.until_it_says("ready")
    for pid in sshd.sessions():
        os.kill(pid, signal.SIGKILL)
    assert run.outcome(within=20).kind is OutcomeKind.VANISHED
    node.until_clean(run.work.run_id)


def test_a_killed_wrapper_is_noticed_at_once(node: Node) -> None:
    run = node.start("echo ready; kill -9 $PPID; sleep 60")
    outcome = run.outcome(within=20)
    assert (outcome.kind, "was killed" in outcome.detail) == (OutcomeKind.VANISHED, True)
    assert survivors(run.work.run_id) == []


def test_no_renewal_no_script(node: Node) -> None:
    run = node.start("echo ready; sleep 60", lease=HeldLease(seconds=1.5))
    assert run.outcome(within=20).kind is OutcomeKind.VANISHED
    assert survivors(run.work.run_id) == []


def test_an_unknown_key_is_refused(node: Node) -> None:
    node.target = replace(node.target, host_keys=())
    outcome, _ = node.run("echo hello")
    assert outcome.kind is OutcomeKind.NOT_STARTED
    assert outcome.host_key is not None


def test_twenty_at_once(sshd: Sshd, tmp_path: Path) -> None:
    def one(number: int) -> Outcome:
        executor_work = Node(executor, many(sshd.target, 20)[number], tmp_path)
        return executor_work.run(f"echo {number}; exit {number}")[0]

    with SshExecutor(places=(str(tmp_path),)) as executor, ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(one, range(20)))
    assert [outcome.exit_code for outcome in outcomes] == list(range(20))
    assert list(tmp_path.iterdir()) == []
