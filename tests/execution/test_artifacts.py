"""What a script leaves to be kept is handed over whole; what is no file of its own is not."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from runbooks.domain.ports import GivenFile, Outcome
from runbooks.execution.local import LocalExecutor
from tests.execution.helpers import HeldLease, Sink, work

ANY_BYTES = bytes(range(256)) * 8192  # 2 MiB: more than one piece


class Shelf:
    """Keeps in memory."""

    def __init__(self, *, says: str = "") -> None:
        self.kept: dict[str, bytes] = {}
        self.says = says

    def keep(self, *, name: str, size: int, pieces: Iterable[bytes]) -> str:
        if self.says:
            return self.says
        self.kept[name] = b"".join(pieces)
        assert len(self.kept[name]) == size
        return ""


def left_by(executor: LocalExecutor, script: str, shelf: Shelf | None = None) -> tuple[dict[str, bytes], Outcome]:
    shelf = shelf or Shelf()
    outcome = executor.execute(work=work(script, artifacts=shelf), sink=Sink(), lease=HeldLease())
    return shelf.kept, outcome


def test_files_are_handed_over_with_their_folders_byte_by_byte(executor: LocalExecutor) -> None:
    script = """cd $OPSAAS_ARTIFACTS_DIR; mkdir -p a/b; : >empty; printf 'x\\n' >a/b/c
        perl -e 'print join("", map chr, 0..255) x 8192' >a/big"""
    kept, outcome = left_by(executor, script)
    assert kept == {"empty": b"", "a/b/c": b"x\n", "a/big": ANY_BYTES}
    assert (outcome.exit_code, outcome.detail) == (0, "")


def test_a_script_that_fails_leaves_its_files_too(executor: LocalExecutor) -> None:
    kept, outcome = left_by(executor, "echo core >$OPSAAS_ARTIFACTS_DIR/dump; exit 3")
    assert (kept, outcome.exit_code) == ({"dump": b"core\n"}, 3)


def test_no_link_is_followed_and_what_is_no_file_is_said(executor: LocalExecutor) -> None:
    script = "cd $OPSAAS_ARTIFACTS_DIR; ln -s /etc/passwd p; ln -s /etc e; mkfifo f; echo x >fine"
    kept, outcome = left_by(executor, script)
    assert kept == {"fine": b"x\n"}
    assert outcome.exit_code == 0
    assert outcome.detail.count("is no regular file.") == 3


def test_a_link_in_the_place_of_the_folder_is_refused(executor: LocalExecutor, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("not yours")
    kept, outcome = left_by(executor, f"rmdir $OPSAAS_ARTIFACTS_DIR; ln -s {tmp_path} $OPSAAS_ARTIFACTS_DIR")
    assert kept == {}
    assert "artifacts could not be read" in outcome.detail


def test_a_folder_that_is_gone_is_no_trouble(executor: LocalExecutor) -> None:
    assert left_by(executor, "rmdir $OPSAAS_ARTIFACTS_DIR")[1].detail == ""


def test_names_may_be_anything_and_complaints_are_few(executor: LocalExecutor) -> None:
    script = r"""cd $OPSAAS_ARTIFACTS_DIR; perl -e 'for ("\xff\xfe", "a\nb", "-rf", "*") { open F, ">$_" }'"""
    assert set(left_by(executor, script)[0]) == {"\udcff\udcfe", "a\nb", "-rf", "*"}
    many = left_by(executor, "cd $OPSAAS_ARTIFACTS_DIR; touch $(seq 100)", Shelf(says="is one too many"))[1]
    assert many.detail.count("is one too many") < 10
    assert many.detail.endswith("More artifacts are not kept.")


def test_a_deep_tree_exhausts_nothing(executor: LocalExecutor) -> None:
    deep = "cd $OPSAAS_ARTIFACTS_DIR; perl -e 'for (1..1200) { mkdir q(deeper); chdir q(deeper) } open F, q(>file)'"
    kept, outcome = left_by(executor, deep)
    assert (kept, outcome.exit_code) == ({}, 0)
    assert outcome.detail


def test_without_a_keeper_nothing_is_kept(executor: LocalExecutor) -> None:
    outcome = executor.execute(work=work("echo x >$OPSAAS_ARTIFACTS_DIR/x"), sink=Sink(), lease=HeldLease())
    assert (outcome.exit_code, outcome.detail) == (0, "")


def test_a_given_file_lies_where_its_variable_says_byte_by_byte_and_is_no_program(executor: LocalExecutor) -> None:
    sink, file = Sink(), GivenFile(name="naïve list.csv", data=ANY_BYTES[:500_000])
    described = {"name": file.name, "size": len(file.data)}
    script = """sha256sum <"$OPSAAS_PARAM_LIST"; basename "$OPSAAS_PARAM_LIST"; test -x "$OPSAAS_PARAM_LIST" || echo no
        python3 -c 'import json, os; v = json.load(open(os.environ["OPSAAS_PARAMS_FILE"]))["list"]
print(v["path"] == os.environ["OPSAAS_PARAM_LIST"], v["size"])'"""
    piece = work(script, parameters={"list": described}, files={"list": file})
    assert executor.execute(work=piece, sink=sink, lease=HeldLease()).exit_code == 0
    digest = hashlib.sha256(file.data).hexdigest()
    assert sink.text.splitlines() == [f"{digest}  -", "naïve list.csv", "no", "True 500000"]
