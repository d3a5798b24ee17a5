"""A full disk: a run that could not be worked on says so, and none is told as a clean success with a hole."""

import contextlib
import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.domain.ports import OutcomeKind
from runbooks.execution.local import LocalExecutor
from tests.execution.helpers import HeldLease, Sink, survivors, wait_until, work
from tests.faults.harm import counted
from tests.installation import Client, Installation, installation
from tests.vetted import Vetted

MEGABYTE = 1 << 20
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")]


@contextlib.contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte is free, until the end."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (MEGABYTE, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    try:
        yield
    finally:
        filler.unlink()


def test_no_room_for_a_working_folder_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk, LocalExecutor(base_folder=disk / "work") as executor:
        before = sorted((disk / "work").iterdir())
        with filled(disk):
            outcome = executor.execute(work=work(f"echo x > {tmp_path}/ran"), sink=Sink(), lease=HeldLease())
        assert outcome.kind is OutcomeKind.NOT_STARTED
        assert os.strerror(errno.ENOSPC) in outcome.detail
        assert not (tmp_path / "ran").exists()
        assert sorted((disk / "work").iterdir()) == before
        assert executor.execute(work=work("exit 0"), sink=Sink(), lease=HeldLease()).exit_code == 0


def test_a_script_that_fills_the_disk_fails_by_itself_and_the_disk_is_freed(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=2) as disk, LocalExecutor(base_folder=disk / "work") as executor:
        sink = Sink()
        outcome = executor.execute(work=work("head -c 9000000 /dev/zero > big"), sink=sink, lease=HeldLease())
        assert outcome.kind is OutcomeKind.EXITED
        assert outcome.exit_code
        assert "No space left" in sink.text
        assert not list((disk / "work").glob("*-*"))


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with small_disk(tmp_path_factory.mktemp("small") / "d", megabytes=64) as disk:
        yield disk


@pytest.fixture(scope="module")
def system(disk: Path) -> Iterator[Installation]:
    """Embedded: database, broker and working folders share the small disk."""
    with installation(
        within=disk,
        DATABASE_URL="",
        OPSAAS_BROKER_URL="",
        OPSAAS_LEASE_SECONDS=16,
        OPSAAS_SWEEP_SECONDS=1,
        OPSAAS_STOP_GRACE_SECONDS=1,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def project(system: Installation) -> Vetted:
    return Vetted(system)


def test_a_disk_that_is_full_for_a_while_delays_output_and_loses_none_of_it(
    disk: Path, project: Vetted, runner: Client, starts: Path
) -> None:
    script = f"echo x >> {starts}; for i in $(seq 60); do head -c 4000 /dev/zero | tr '\\0' x; echo; sleep 0.1; done"
    run_id = runner.start(project.runbook("while", script))
    wait_until(lambda: counted(starts))
    with filled(disk):
        time.sleep(4)
    run = runner.finished(run_id, every=0.5)
    log = runner.raw("GET", f"/runs/{run_id}/log")[1]
    assert (run["status"], run["output_complete"]) == ("succeeded", True), run["status_detail"]
    assert log == (b"x" * 4000 + b"\n") * 60
    assert counted(starts) == 1


def test_a_disk_that_stays_full_never_makes_a_clean_success_with_a_hole(
    disk: Path, project: Vetted, runner: Client, starts: Path
) -> None:
    script = f"echo x >> {starts}; for i in $(seq 200); do head -c 4000 /dev/zero | tr '\\0' x; echo; sleep 0.1; done"
    run_id = runner.start(project.runbook("stays", script))
    wait_until(lambda: counted(starts))
    with filled(disk):
        wait_until(lambda: not survivors(run_id), within=60)
    run = runner.finished(run_id, every=0.5)
    log = runner.raw("GET", f"/runs/{run_id}/log")[1]
    assert run["status"] == "lost" or not run["output_complete"] or log == (b"x" * 4000 + b"\n") * 200
    assert run["status"] != "succeeded" or run["output_complete"]
    assert counted(starts) == 1
    assert runner.finished(runner.start(project.runbook("room-again", "true")), every=0.2)["status"] == "succeeded"
