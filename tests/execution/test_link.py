"""The spawner is there when it is needed."""

import os
import signal
import threading
from pathlib import Path

import pytest

from runbooks.domain.ports import OutcomeKind, StopReason
from runbooks.execution import link
from runbooks.execution.local import LocalExecutor
from runbooks.execution.processes import children
from tests.execution.helpers import HeldLease, Running, Sink, parent, pss_kib, titled, wait_until, warden_of, work

SCRIPTS = 100


def spawner_of(executor: LocalExecutor) -> int:
    run = Running(executor, work("echo ready; sleep 60"))
    run.until_it_says("ready")
    spawner = parent(warden_of(run.work))
    run.lease.end(StopReason.CANCELLED)
    run.outcome()
    return spawner


def test_a_spawner_that_died_idle_is_replaced(executor: LocalExecutor) -> None:
    for _ in range(2):
        os.kill(spawner_of(executor), signal.SIGKILL)
        outcomes = [Running(executor, work("exit 0")) for _ in range(5)]
        assert {run.outcome().exit_code for run in outcomes} == {0}


def test_a_spawner_that_does_not_answer_is_replaced_and_starts_nothing_when_it_wakes_up(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spawner = spawner_of(executor)
    monkeypatch.setattr(link, "ANSWER_SECONDS", 0.4)
    os.kill(spawner, signal.SIGSTOP)
    try:
        outcome = executor.execute(work=work(f"echo x > {tmp_path}/ran"), sink=Sink(), lease=HeldLease())
        assert outcome.kind is OutcomeKind.NOT_STARTED
        assert "did not answer" in outcome.detail
        monkeypatch.undo()
        assert executor.execute(work=work("exit 0"), sink=Sink(), lease=HeldLease()).exit_code == 0
    finally:
        os.kill(spawner, signal.SIGCONT)
    wait_until(lambda: spawner not in titled("opsaas: spawner"))
    assert not (tmp_path / "ran").exists()


def test_a_forked_worker_gets_a_spawner_of_its_own(executor: LocalExecutor) -> None:
    child = os.fork()
    if child == 0:
        code = executor.execute(work=work("exit 7"), sink=Sink(), lease=HeldLease()).exit_code
        executor.stop()
        os._exit(code or 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert executor.execute(work=work("exit 0"), sink=Sink(), lease=HeldLease()).exit_code == 0


def test_a_base_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    executor = LocalExecutor(base_folder=tmp_path / "file/runs")
    outcome = executor.execute(work=work("exit 0"), sink=Sink(), lease=HeldLease())
    assert outcome.kind is OutcomeKind.NOT_STARTED
    assert "file/runs" in outcome.detail


def test_a_failing_lease_ends_the_script(executor: LocalExecutor) -> None:
    class BrokenLease(HeldLease):
        def acknowledge(self) -> None:
            raise RuntimeError("the lease is broken")

    lease = BrokenLease()
    lease.renew(seconds=60)
    with pytest.raises(RuntimeError, match="broken"):
        executor.execute(work=work("sleep 60"), sink=Sink(), lease=lease)


def test_many_waiting_scripts_cost_little(executor: LocalExecutor) -> None:
    before = threading.active_count()
    runs = [Running(executor, work("echo ready; exec sleep 60")) for _ in range(SCRIPTS)]
    for run in runs:
        run.until_it_says("ready")
    wardens = children(parent(warden_of(runs[0].work)))
    assert len(wardens) == SCRIPTS
    per_warden = sum(map(pss_kib, wardens)) / SCRIPTS
    print(f"{per_warden:.0f} KiB a warden, {pss_kib(parent(wardens[0]))} KiB the spawner")
    assert threading.active_count() - before == SCRIPTS
    assert per_warden < 2048
    for run in runs:
        run.lease.end(StopReason.CANCELLED)
    assert {run.outcome().kind for run in runs} == {OutcomeKind.STOPPED}
