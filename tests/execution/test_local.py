"""Scripts on the worker's own machine: what is not the same there as anywhere (for that see test_contract.py)."""

import os
import signal
from pathlib import Path

from runbooks.domain.ports import Containment, Level, Outcome, OutcomeKind, StopReason, Work
from runbooks.execution.local import LocalExecutor
from runbooks.execution.recipes import HOST
from tests.execution.helpers import HeldLease, Sink, folders, survivors, titled, work


def run(executor: LocalExecutor, piece: Work) -> tuple[Outcome, Sink]:
    sink = Sink()
    return executor.execute(work=piece, sink=sink, lease=HeldLease()), sink


def test_what_only_the_kernel_refuses_is_named(tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_bytes(b"#!/no/such/loader\n")
    program.chmod(0o755)
    with LocalExecutor(base_folder=tmp_path / "runs", recipes=(HOST,)) as executor:
        outcome, _ = run(executor, work("", str(program)))
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.NOT_STARTED, 127)
    assert f'"{program}" is there, but' in outcome.detail


def test_no_descriptor_of_the_worker_reaches_the_script(tmp_path: Path) -> None:
    leak, other = os.pipe()
    os.set_inheritable(leak, True)
    try:
        with LocalExecutor(base_folder=tmp_path) as fresh:
            _, sink = run(fresh, work("import os; print(sorted(os.listdir('/proc/self/fd')))", "python3"))
    finally:
        os.close(leak)
        os.close(other)
    assert sink.text == "['0', '1', '2', '3']\n"  # 3 is the listing's own


def test_what_the_worker_ignores_its_scripts_do_not(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    try:
        with LocalExecutor(base_folder=tmp_path / "work") as executor:
            script = "grep -E '^SigIgn' /proc/self/status"
            _, sink = run(executor, work(script, containment=Containment(level=Level.HOST)))
    finally:
        signal.signal(signal.SIGQUIT, before)
    assert int(sink.text.split()[1], 16) & (1 << (signal.SIGQUIT - 1)) == 0


def test_nothing_starts_under_a_stopped_lease(executor: LocalExecutor, tmp_path: Path) -> None:
    lease = HeldLease()
    lease.end(StopReason.CANCELLED)
    outcome = executor.execute(work=work(f"touch {tmp_path}/ran"), sink=Sink(), lease=lease)
    assert (outcome.kind, outcome.stop_reason) == (OutcomeKind.STOPPED, StopReason.CANCELLED)
    assert not (tmp_path / "ran").exists()


def test_nothing_of_a_run_is_left_when_its_outcome_is_there(executor: LocalExecutor, base_folder: Path) -> None:
    for _ in range(20):
        piece = work("sleep 60 & exit 0")
        run(executor, piece)
        assert (survivors(piece.run_id), titled(f"opsaas: warden {piece.run_id}")) == ([], [])
        assert folders(base_folder) == []
