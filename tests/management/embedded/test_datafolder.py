import os
import subprocess
import sys
from pathlib import Path

import pytest

from runbooks.management.embedded import datafolder

HOLD = """
import sys
from pathlib import Path
from runbooks.management.embedded import datafolder
datafolder.lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    datafolder.prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    datafolder.prepare(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(datafolder.DataFolderError, match="can't be used: Not a directory"):
        datafolder.prepare(tmp_path / "file" / "folder")


def test_a_second_up_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin
    assert holder.stdout
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(datafolder.DataFolderError, match=rf"already runs from .* \(process {holder.pid}\)"):
            datafolder.lock(tmp_path)
        holder.stdin.close()
        holder.wait(10)
    os.close(datafolder.lock(tmp_path))


def test_the_lock_is_kept_when_the_process_turns_into_another_program(tmp_path: Path) -> None:
    descriptor = datafolder.lock(tmp_path)
    assert os.get_inheritable(descriptor)
    os.close(descriptor)
