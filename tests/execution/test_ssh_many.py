"""Many machines through one worker, and how connections are shared."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from runbooks.domain.ports import OutcomeKind, StopReason, Target
from runbooks.execution.ssh.executor import SshExecutor
from tests.execution.helpers import HeldLease, Running, Sink, survivors, wait_until, work
from tests.execution.ssh_servers import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def said(executor: SshExecutor, target: Target, script: str = 'echo "$OPSAAS_NODE"') -> str:
    sink = Sink()
    executor.execute(work=work(script, target=target, node=target.name), sink=sink, lease=HeldLease())
    return sink.text


def transports() -> int:
    return sum(type(thread).__name__ == "_Transport" for thread in threading.enumerate())


def test_fifty_nodes_through_one_worker(server: Server, tmp_path: Path) -> None:
    """Each with a secret of its own, so that each is a connection of its own."""
    before, known = server.accepted, server.target
    targets = [replace(known, name=f"node{number}", password=str(number)) for number in range(50)]
    with SshExecutor(places=(str(tmp_path),), most_idle=10) as executor:
        with ThreadPoolExecutor(16) as threads:
            names = list(threads.map(lambda target: said(executor, target), targets))
        assert names == [f"node{number}\n" for number in range(50)]
        assert server.accepted - before == 50
        assert list(tmp_path.iterdir()) == []
        wait_until(lambda: transports() <= 11)


def test_scripts_for_one_account_share_a_connection_up_to_its_cap(server: Server) -> None:
    before, target = server.accepted, server.target
    with SshExecutor(most_sessions=3) as executor:
        runs = [Running(executor, work("echo ready; sleep 60", target=target)) for _ in range(7)]
        for run in runs:
            run.until_it_says("ready")
        assert server.accepted - before == 3
        for run in runs:
            run.lease.end(StopReason.CANCELLED)
        assert {run.outcome().kind for run in runs} == {OutcomeKind.STOPPED}
        assert said(executor, replace(target, name="other")) == "other\n"
        assert server.accepted - before == 3


def test_other_credentials_never_share_a_connection(server: Server) -> None:
    with SshExecutor() as executor:
        assert said(executor, server.target) == "web1\n"
        assert said(executor, replace(server.target, private_key="", password="wrong")) == ""
        assert said(executor, replace(server.target, host_keys=())) == ""
        assert said(executor, replace(server.target, name="again")) == "again\n"


def test_a_server_with_room_for_few_sessions_gets_more_connections() -> None:
    with Server(max_sessions=2) as narrow, SshExecutor() as executor:
        target = narrow.target
        runs = [Running(executor, work("echo ready; sleep 60", target=target)) for _ in range(5)]
        for run in runs:
            run.until_it_says("ready")
        for run in runs:
            run.lease.end(StopReason.CANCELLED)
        assert {run.outcome().kind for run in runs} == {OutcomeKind.STOPPED}
        assert narrow.accepted == 3


def test_idle_connections_are_closed(server: Server) -> None:
    with SshExecutor(idle_seconds=0.1) as executor:
        assert said(executor, server.target) == "web1\n"
        wait_until(lambda: transports() == 0)
        assert said(executor, server.target) == "web1\n"


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(server: Server) -> None:
    with SshExecutor() as executor:
        assert said(executor, server.target) == "web1\n"
        server.cut()
        assert said(executor, server.target) == "web1\n"


def test_those_who_wait_for_a_dead_machine_share_the_wait(server: Server) -> None:
    before, target = server.accepted, replace(server.target, name="gate", host_keys=())
    target = replace(target, jump=target)
    with SshExecutor() as executor, ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: said(executor, target), range(10)))
    assert set(answers) == {""}
    assert server.accepted - before < 10


def test_runs_of_one_machine_do_not_end_each_other(server: Server) -> None:
    """Two nodes of the inventory may be one machine, and a run may be on it twice."""
    with SshExecutor() as executor:
        first = Running(executor, work("echo ready; sleep 60", run_id="same", target=server.target))
        second = Running(executor, work("echo ready; sleep 1.5; echo through", run_id="same", target=server.target))
        first.until_it_says("ready")
        second.until_it_says("ready")
        first.lease.end(StopReason.CANCELLED)
        assert first.outcome().kind is OutcomeKind.STOPPED
        assert second.outcome().exit_code == 0
        assert second.sink.text == "ready\nthrough\n"


def test_a_stopped_executor_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with SshExecutor(places=(str(tmp_path),)) as executor:
        runs = [
            Running(executor, work("echo ready; setsid sleep 60; sleep 60", target=server.target)) for _ in range(3)
        ]
        for run in runs:
            run.until_it_says("ready")
    for run in runs:
        assert run.outcome().kind is OutcomeKind.VANISHED
    wait_until(lambda: not any(survivors(run.work.run_id) for run in runs))
    wait_until(lambda: not list(tmp_path.iterdir()))
