"""Working folders go away whatever a script did to them, and nothing else goes with them."""

import os
import subprocess
from pathlib import Path

import pytest

from runbooks.execution import base, folder
from runbooks.execution.local import LocalExecutor
from tests.execution.helpers import HeldLease, Sink, folders, work

HOSTILE = {
    "links": "ln -s $OUT/kept file; ln -s $OUT folder; ln -s / root; ln -s nowhere broken; ln -s . self",
    "a link for the folder itself": "cd /; rm -r $HOME; ln -s $OUT $HOME",
    "links for our own places": "rm -r .opsaas; ln -s $OUT .opsaas",
    "unreadable": "mkdir -p a/b/c; touch a/b/c/d; chmod 000 a/b/c; chmod 111 a/b; chmod 000 a; chmod 000 .",
    "read-only": "mkdir -p a/b; touch a/b/c; chmod 500 a/b a .",
    "special files": "mkfifo fifo; perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => q(s), Listen => 1)'",
    "hostile names": r"""perl -e 'for ("\xff\xfe", "a\nb", "-rf", "*", "x" x 255) { mkdir $_; open F, ">$_/$_" }'""",
    "names of ours": "mkdir .opsaas-removing-x; touch .opsaas-removing-x/y; ln -s $OUT .opsaas-removing-z",
    "a deep tree": "perl -e 'for (1..1200) { mkdir q(deeper); chdir q(deeper) } open F, q(>file)'",
    "many files": "perl -e 'for (1..3000) { open F, qq(>$_) }'",
    "a file for the folder": "cd /; rm -r $HOME; echo x > $HOME",
    "nothing": "rm -r $HOME",
}


@pytest.mark.parametrize("deed", HOSTILE)
def test_a_folder_is_removed_whatever_is_in_it(tmp_path: Path, deed: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    root = tmp_path / "root"
    root.mkdir()
    (root / ".opsaas").mkdir()
    environment = {**os.environ, "HOME": str(root), "OUT": str(outside)}
    subprocess.run(["sh", "-c", HOSTILE[deed]], cwd=root, check=True, env=environment)
    folder.remove(str(root))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside"]
    assert (outside / "kept").read_text() == "kept"


def test_a_warden_removes_what_its_script_hid(executor: LocalExecutor) -> None:
    script = "mkdir -p a/b; touch a/b/c; ln -s /etc e; chmod 000 a/b a ."
    outcome = executor.execute(work=work(script), sink=Sink(), lease=HeldLease())
    assert outcome.exit_code == 0
    assert "removed" not in outcome.detail  # and the fixture looks whether the folder is gone


def test_what_is_mounted_into_a_folder_is_not_emptied(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    for path in (outside, root, root / "a", root / "a/mounted"):
        path.mkdir()
    (outside / "kept").write_text("kept")
    script = 'mount --bind "$1" "$2/a/mounted" || exit 42; shift 2; exec "$@"'
    remove = ["python3", "-c", f"from runbooks.execution import folder; folder.remove({str(root)!r})"]
    result = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script, "sh", outside, root, *remove],
        capture_output=True,
        check=False,
        text=True,
    )
    if "folder.py" not in result.stderr and result.returncode:
        pytest.skip("this machine allows no mounts")
    assert "Device or resource busy" in result.stderr
    assert (outside / "kept").read_text() == "kept"


def test_what_a_crash_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    left = tmp_path / "left/by/a/crash"
    left.mkdir(parents=True)
    left.chmod(0)
    with LocalExecutor(base_folder=tmp_path):
        assert folders(tmp_path) == []


def test_the_base_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "base").symlink_to("disk")
    with LocalExecutor(base_folder=tmp_path / "base") as executor:
        outcome = executor.execute(work=work("echo a=1 > $OPSAAS_OUTPUT_FILE"), sink=Sink(), lease=HeldLease())
    assert (outcome.outputs, outcome.detail, folders(tmp_path / "disk")) == ({"a": "1"}, "", [])


def test_folders_in_use_by_another_worker_stay(tmp_path: Path) -> None:
    lock = base.claim(tmp_path)
    (tmp_path / "in-use").mkdir()
    with LocalExecutor(base_folder=tmp_path):
        assert folders(tmp_path) == ["in-use"]
    os.close(lock)
    with LocalExecutor(base_folder=tmp_path):
        assert folders(tmp_path) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../../escaped", "/tmp/escaped"])
def test_a_script_stays_in_its_folder(executor: LocalExecutor, name: str) -> None:
    outcome = executor.execute(work=work("echo", script_name=name), sink=Sink(), lease=HeldLease())
    assert (outcome.kind, outcome.exit_code) == ("not_started", 126)
    assert "can't be the name of a file" in outcome.detail
