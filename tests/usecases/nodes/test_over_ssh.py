"""From a definition with targets to scripts on two machines, over a real sshd each."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from runbooks.domain.ports import Lease, Outcome, OutputSink, StopReason, Work
from runbooks.execution.ssh.executor import SshExecutor
from runbooks.models import HostKey, Node, Run, StepRun
from tests.execution.helpers import survivors, wait_until
from tests.execution.ssh_servers import Sshd, needs_sshd
from tests.usecases.test_secret_delivery import log_of
from tests.world import World

SCRIPT = """echo "here is $OPSAAS_NODE"
echo "seen=$OPSAAS_NODE" >> "$OPSAAS_OUTPUT_FILE"
"""


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Sshd]]:
    needs_sshd()
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("machines")
        yield {name: stack.enter_context(Sshd(folder / name)) for name in ("web1", "web2")}


@pytest.fixture
def fleet(world: World, machines: dict[str, Sshd]) -> list[Node]:
    return in_service(world, machines, keys={name: machine.target.host_keys[0] for name, machine in machines.items()})


def in_service(world: World, machines: dict[str, Sshd], *, keys: dict[str, str]) -> list[Node]:
    world.give("runner", world.project, "use")
    nodes = []
    for name, machine in machines.items():
        target = machine.target
        secret = world.secret(f"key-of-{name}", target.private_key)
        node = Node.objects.create(
            project=world.project,
            name=name,
            host=target.host,
            port=target.port,
            user=target.user,
            tags=["web"],
            private_key=secret,
        )
        HostKey.objects.create(node=node, key=keys[name], seen_at=timezone.now(), state="accepted")
        nodes.append(node)
    return nodes


@dataclass
class Meddled:
    """The worker's executor, beside which something happens as soon as a script runs on a node."""

    executor: SshExecutor
    meddle: Callable[[Work, Any], None]

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        def wait_and_meddle() -> None:
            wait_until(lambda: survivors(work.run_id))
            self.meddle(work, lease)

        meddling = threading.Thread(target=wait_and_meddle)
        meddling.start()
        try:
            return self.executor.execute(work=work, sink=sink, lease=lease)
        finally:
            meddling.join()


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[SshExecutor]:
    with SshExecutor(places=(str(tmp_path),)) as started:
        yield started
        wait_until(lambda: not list(tmp_path.iterdir()))


def started(world: World, script: str = SCRIPT, **targets: Any) -> Run:
    steps = [{"id": "main", "interpreter": ["sh"], "script": script}]
    return world.started(world.published("fleet", targets={"select": "web", **targets}, steps=steps))


def ends(run: Run) -> dict[str, str]:
    return dict(StepRun.objects.filter(run=run, part_of__isnull=False).values_list("node", "status"))


def test_a_definition_with_targets_runs_on_every_machine(
    world: World, fleet: list[Node], executor: SshExecutor
) -> None:
    run = world.executed(started(world), executor)
    assert (run.status, ends(run)) == ("succeeded", {"web1": "succeeded", "web2": "succeeded"})
    assert sorted(log_of(run).splitlines()) == [b"here is web1", b"here is web2"]


def test_a_cancel_leaves_no_process_on_a_machine(world: World, fleet: list[Node], executor: SshExecutor) -> None:
    run = started(world, "setsid sleep 60 & sleep 60")
    run = world.executed(run, Meddled(executor, lambda work, lease: lease.end(StopReason.CANCELLED)))
    assert "cancelled" in ends(run).values()
    assert survivors(str(run.pk)) == []


def test_a_cut_link_is_lost_and_never_a_success(
    world: World, fleet: list[Node], machines: dict[str, Sshd], executor: SshExecutor
) -> None:
    def cut(work: Work, lease: Lease) -> None:
        for pid in machines[work.node].sessions():
            os.kill(pid, signal.SIGKILL)

    run = world.executed(started(world, "setsid sleep 60 & sleep 60", max_failures=2), Meddled(executor, cut))
    assert (run.status, ends(run)["web1"]) == ("lost", "lost")
    assert "succeeded" not in ends(run).values()
    wait_until(lambda: not survivors(str(run.pk)))


def test_a_machine_with_another_key_gets_nothing_and_its_key_is_written_down(
    world: World, machines: dict[str, Sshd], executor: SshExecutor
) -> None:
    key = machines["web2"].target.host_keys[0]
    web1, _ = in_service(world, machines, keys={"web1": key, "web2": key})
    run = world.executed(started(world, max_failures=1), executor)
    assert ends(run) == {"web1": "failed", "web2": "succeeded"}
    assert log_of(run) == b"here is web2\n"
    seen = HostKey.objects.get(node=web1, state="seen")
    assert seen.key == machines["web1"].target.host_keys[0]
