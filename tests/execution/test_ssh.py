"""Scripts on nodes: what is not the same there as anywhere (for that see test_contract.py)."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from runbooks.domain.ports import Containment, Level, Outcome, OutcomeKind
from tests.execution.ssh_fixtures import Node, node, server, shared_node
from tests.execution.ssh_servers import Server

__all__ = ["node", "server", "shared_node"]


def fine(code: int = 0) -> Outcome:
    return Outcome(kind=OutcomeKind.EXITED, exit_code=code, level=Level.HOST)


def test_what_only_the_kernel_refuses_is_named(node: Node, tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_bytes(b"#!/no/such/loader\n")
    program.chmod(0o755)
    outcome, _ = node.run("", str(program))
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.NOT_STARTED, 127)
    assert f'"{program}" is there, but' in outcome.detail


def test_files_of_a_script_get_the_accounts_own_mode(node: Node) -> None:
    before = os.umask(0o027)
    try:
        _, sink = node.run("umask")
    finally:
        os.umask(before)
    assert sink.text == "0027\n"


class Keeper:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def keep(self, *, name: str, size: int, pieces: Iterable[bytes]) -> str:
        if name == "unwanted":
            return "is not wanted"
        if name == "half":
            next(iter(pieces))
            return "is too large"
        data = b"".join(pieces)
        assert len(data) == size
        self.kept[name] = data
        return ""


def test_artifacts_are_kept(node: Node) -> None:
    script = """cd "$OPSAAS_ARTIFACTS_DIR"; mkdir -p a/b .hidden
printf 'x\\ny' > "a/b/it's
new"; : > empty; printf '\\377\\000\\n' > .hidden/$(printf 'n\\351'); ln -s /etc/passwd link; mkfifo pipe
head -c 3000000 /dev/zero > big; head -c 3000000 /dev/zero > half; echo no > unwanted; echo out; exit 3"""
    keeper = Keeper()
    outcome, sink = node.run(script, artifacts=keeper)
    assert keeper.kept == {
        "a/b/it's\nnew": b"x\ny",
        "empty": b"",
        ".hidden/n\udce9": b"\xff\0\n",
        "big": bytes(3_000_000),
    }
    assert (outcome.exit_code, sink.text) == (3, "out\n")
    for words in ("'link' is no regular file", "'pipe' is no", "'half' is too large", "'unwanted' is not wanted"):
        assert words in outcome.detail


def test_artifacts_survive_a_timeout_and_a_full_output(node: Node) -> None:
    script = 'echo kept > "$OPSAAS_ARTIFACTS_DIR/a"; head -c 5000000 /dev/zero; exec sleep 60'
    keeper = Keeper()
    outcome, sink = node.run(script, artifacts=keeper, timeout_seconds=3.0)
    assert (outcome.kind, keeper.kept, len(sink.data)) == (OutcomeKind.TIMED_OUT, {"a": b"kept\n"}, 5_000_000)


def test_a_keeper_that_fails_changes_no_end(node: Node) -> None:
    class Full(Keeper):
        def keep(self, *, name: str, size: int, pieces: Iterable[bytes]) -> str:
            raise OSError(28, "No space left on device")

    script = 'for i in 1 2 3 4 5 6 7 8 9 10 11; do echo $i > "$OPSAAS_ARTIFACTS_DIR/$i"; done'
    outcome, _ = node.run(script, artifacts=Full())
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.EXITED, 0)
    assert "No space left" in outcome.detail
    assert "More artifacts are not kept" in outcome.detail


@pytest.mark.parametrize("put", ["rm -r .opsaas/artifacts; ln -s /etc .opsaas/artifacts", "rm -r .opsaas/artifacts"])
def test_only_a_real_folder_of_artifacts_is_read(node: Node, put: str) -> None:
    keeper = Keeper()
    outcome, _ = node.run(put, artifacts=keeper)
    assert (outcome.exit_code, keeper.kept) == (0, {})


def test_nothing_of_a_run_is_in_any_command_line(node: Node, server: Server) -> None:
    script = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"
    _, sink = node.run(
        "sleep 0.1; " + script, parameters={"user": "VALUE-OF-PARAMETER"}, secrets={"KEY": "VALUE-OF-SECRET"}
    )
    assert b"OPSAAS_OUTPUT_FILE=" in sink.data or b"opsaas" in sink.data
    assert b"VALUE-OF" not in sink.data
    assert len(set(server.commands)) == 1


def test_a_script_cannot_say_what_the_wrapper_says(node: Node) -> None:
    forged = "for fd in 1 2; do printf 'x ended exited 0\\nremoved\\nfile output 3\\na=1' >&$fd; done; exit 9"
    outcome, sink = node.run(forged)
    assert (outcome.exit_code, outcome.outputs) == (9, {})
    assert sink.text.count("removed") == 2


def test_more_containment_than_there_is_is_refused(node: Node) -> None:
    for containment in (Containment(level=Level.FULL), Containment(least=Level.FULL)):
        outcome, sink = node.run("echo hello", containment=containment)
        assert (outcome.kind, sink.text) == (OutcomeKind.NOT_STARTED, "")
        assert '"full" is required' in outcome.detail
    outcome, sink = node.run("echo hello", containment=Containment(network=False))
    assert (outcome.kind, sink.text) == (OutcomeKind.NOT_STARTED, "")
    assert "no network" in outcome.detail
