"""What a script gets on a node, and what comes back from it: the same as on the worker's own machine."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from runbooks.domain.ports import Containment, GivenFile, Level, Outcome, OutcomeKind
from tests.execution.helpers import HeldLease, survivors
from tests.execution.ssh_fixtures import Node, node, server, shared_node
from tests.execution.ssh_servers import Server
from tests.execution.test_local import DUMP_ENVIRONMENT, NASTY

__all__ = ["node", "server", "shared_node"]

EVERY_BYTE = "".join(map(chr, range(1, 0x250)))
HEX_OF_VALUES = """import os, json
environment = {k: v for k, v in os.environb.items() if k.startswith(b"OPSAAS_PARAM_") or k.startswith(b"TOKEN")}
print(json.dumps({k.decode(): v.hex() for k, v in environment.items()}))
print(open(os.environ["OPSAAS_PARAMS_FILE"]).read())"""


def fine(code: int = 0) -> Outcome:
    return Outcome(kind=OutcomeKind.EXITED, exit_code=code, level=Level.HOST)


@pytest.mark.parametrize(
    ("interpreter", "script"),
    [
        (("sh",), "echo hello"),
        (("bash", "-euo", "pipefail"), "echo hello | cat"),
        (("python3",), "print('hello')"),
        (("perl", "-w"), 'print "hello\\n";'),
        (("/usr/bin/env", "sh"), "echo hello"),
        (("awk", "-f"), 'BEGIN { print "hello" }'),
    ],
)
def test_a_script_in_any_language_runs(node: Node, interpreter: tuple[str, ...], script: str) -> None:
    outcome, sink = node.run(script, *interpreter)
    assert (outcome, sink.text) == (fine(), "hello\n")


def test_arguments_arrive_as_they_are(node: Node) -> None:
    arguments = ("sh", "-c", "printf '%s|' \"$@\"", "", "-n", "--", "a b", "'\"$(id)`id`\\", "two\nlines\n", "")
    outcome, sink = node.run("", *arguments, "{script}")
    *passed, script, end = sink.text.split("|")
    assert (outcome.exit_code, passed, end) == (0, list(arguments[4:]), "")
    assert script.endswith("/main")


def test_the_path_replaces_its_placeholder_inside_an_argument(node: Node) -> None:
    outcome, sink = node.run("content", "sh", "-c", "cat '{script}'; echo :$#", "name")
    assert (outcome.exit_code, sink.text) == (0, "content:0\n")


@pytest.mark.parametrize(
    ("first", "rest", "said"),
    [
        ("#!/bin/sh", "echo $0", "/fix it.mjs\n"),
        ("#! /usr/bin/env  python3 ", "import sys; print(sys.argv[0])", "/fix it.mjs\n"),
        ("#!/usr/bin/env -S perl -w", "print $^W, qq(\\n)", "1\n"),
        ("#!/usr/bin/awk -f", 'BEGIN { print "é" }', "é\n"),
    ],
)
def test_a_script_can_name_its_own_interpreter(node: Node, first: str, rest: str, said: str) -> None:
    outcome, sink = node.run(f"{first}\n{rest}\n", interpreter=None, script_name="fix it.mjs")
    assert outcome == fine()
    assert sink.text.endswith(said)


@pytest.mark.parametrize(
    ("script", "interpreter", "code", "words"),
    [
        ("#!/bin/sh\r\necho hi\r\n", None, 127, "carriage return"),
        ("echo hi", None, 126, "does not begin with a #! line"),
        ("#!/no/such/thing\n", None, 127, '"/no/such/thing" does not exist on web1'),
        ("#!/usr/bin/env no_such_thing\n", None, 127, '"no_such_thing" was not found on web1'),
        ("#!/usr/bin/env -S no_such_thing -x\n", None, 127, '"no_such_thing"'),
        ("#!/etc/passwd\n", None, 126, '"/etc/passwd" is not executable on web1'),
        ("", ("no_such_thing",), 127, '"no_such_thing" was not found on web1'),
        ("", ("echo; id",), 127, '"echo; id" was not found on web1'),
        ("", ("/no/such/thing", "-x"), 127, '"/no/such/thing" does not exist on web1'),
        ("", ("/etc/passwd",), 126, '"/etc/passwd" is not executable on web1'),
    ],
)
def test_what_cannot_be_started_is_named(
    node: Node, script: str, interpreter: tuple[str, ...] | None, code: int, words: str
) -> None:
    outcome, sink = node.run(script, interpreter=interpreter)
    assert (outcome.kind, outcome.exit_code, sink.text) == (OutcomeKind.NOT_STARTED, code, "")
    assert words in outcome.detail


def test_what_only_the_kernel_refuses_is_named(node: Node, tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_bytes(b"#!/no/such/loader\n")
    program.chmod(0o755)
    outcome, _ = node.run("", str(program))
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.NOT_STARTED, 127)
    assert f'"{program}" is there, but' in outcome.detail


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", 0),
        ("exit 3", 3),
        ("exit 126", 126),
        ("exit 127", 127),
        ("exit 255", 255),
        ("kill -9 $$", 137),
        ("kill -15 $$", 143),
        ("kill -2 $$", 130),
    ],
)
def test_exit_codes_and_signals_come_back(node: Node, script: str, code: int) -> None:
    outcome, sink = node.run(script)
    assert (outcome, sink.text) == (fine(code), "")


def test_values_arrive_byte_identical(node: Node) -> None:
    values = {
        "nasty": NASTY,
        "bytes": EVERY_BYTE,
        "dashes": "-n -e --help",
        "lines": "\n\n a\n\n",
        "backslashes": "\\n\\\\ \\",
        "empty": "",
        "yes": True,
        "number": 1.5,
        "list": ["a", 'b"'],
        "none": None,
    }
    outcome, sink = node.run(
        HEX_OF_VALUES, "python3", parameters=values, secrets={"TOKEN": NASTY}, secret_files={"TOKEN_FILE": NASTY}
    )
    variables, file = map(json.loads, sink.text.strip("\n").split("\n"))
    received = {name: bytes.fromhex(value).decode() for name, value in variables.items()}
    assert received.pop("TOKEN_FILE").endswith("/.opsaas/files/secret-TOKEN_FILE/TOKEN_FILE")
    assert received == {
        "OPSAAS_PARAM_NASTY": NASTY,
        "OPSAAS_PARAM_BYTES": EVERY_BYTE,
        "OPSAAS_PARAM_DASHES": "-n -e --help",
        "OPSAAS_PARAM_LINES": "\n\n a\n\n",
        "OPSAAS_PARAM_BACKSLASHES": "\\n\\\\ \\",
        "OPSAAS_PARAM_EMPTY": "",
        "OPSAAS_PARAM_YES": "true",
        "OPSAAS_PARAM_NUMBER": "1.5",
        "OPSAAS_PARAM_LIST": 'a\nb"',
        "TOKEN": NASTY,
    }
    assert (file, outcome) == (values, fine())


def test_a_secret_file_holds_its_content_and_is_private(node: Node) -> None:
    script = 'stat -c %a "$KEY"; cat "$KEY"'
    _, sink = node.run(script, secret_files={"KEY": "-----BEGIN\r\nabc\n"})
    assert sink.data == b"600\n-----BEGIN\r\nabc\n"


def test_given_files_arrive_byte_identical(node: Node) -> None:
    data = bytes(range(256)) * 600
    files = {"image": GivenFile(name="it's *.bin", data=data), "note": GivenFile(name="-n", data=b"")}
    script = 'echo "$OPSAAS_PARAM_IMAGE"; stat -c "%a %s" "$OPSAAS_PARAM_NOTE"; cat "$OPSAAS_PARAM_IMAGE"'
    _, sink = node.run(script, files=files)
    path, facts, received = bytes(sink.data).split(b"\n", 2)
    assert path.endswith(b"/.opsaas/files/image/it's *.bin")
    assert (facts, received) == (b"600 0", data)


def test_a_script_arrives_byte_identical(node: Node) -> None:
    script = 'echo "$0"\r\nexit 0\n\'"`é\x01\x80\\\n\n'
    _, sink = node.run(script, "cat")
    assert sink.data == script.encode()


def test_a_megabyte_of_values_arrives(node: Node) -> None:
    values = {"large": "é" * 60_000, "fits": "x" * 102_400, **{f"part{i}": "y" * 100_000 for i in range(8)}}
    script = """import os, json
print(json.load(open(os.environ["OPSAAS_PARAMS_FILE"]))["large"] == "é" * 60_000)
print([len(os.environ.get("OPSAAS_PARAM_" + name, "")) for name in ("LARGE", "FITS", "PART7")])"""
    _, sink = node.run(script, "python3", parameters=values)
    assert sink.text == "True\n[0, 102400, 100000]\n"


def test_the_environment_is_clean(node: Node) -> None:
    _, sink = node.run(DUMP_ENVIRONMENT, "python3", "-X", "utf8=0", node="web1", attempt=2)
    environment = json.loads(sink.text)
    for bashs_own in ("_", "SHLVL"):  # it adds them to whatever it executes
        environment.pop(bashs_own, None)
    root = Path(environment["HOME"])
    run_id = environment.pop("OPSAAS_RUN_ID")
    assert root.parent == node.folder
    assert run_id in root.name
    assert environment == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(root),
        "TMPDIR": str(root / ".opsaas/temporary"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "OPSAAS_STEP_ID": "only",
        "OPSAAS_NODE": "web1",
        "OPSAAS_ATTEMPT": "2",
        "OPSAAS_ACTOR": "runner",
        "OPSAAS_PARAMS_FILE": str(root / ".opsaas/params.json"),
        "OPSAAS_OUTPUT_FILE": str(root / ".opsaas/output"),
        "OPSAAS_SUMMARY_FILE": str(root / ".opsaas/summary.md"),
        "OPSAAS_ARTIFACTS_DIR": str(root / ".opsaas/artifacts"),
    }


def test_the_folder_is_private_and_current(node: Node) -> None:
    script = 'test "$(pwd)" = "$HOME" && stat -c %a . "$TMPDIR" "$OPSAAS_ARTIFACTS_DIR" "$0" "$OPSAAS_PARAMS_FILE"; ls'
    outcome, sink = node.run(script)
    assert (outcome.exit_code, sink.text.split()) == (0, ["700", "700", "700", "700", "600"])


def test_files_of_a_script_get_the_accounts_own_mode(node: Node) -> None:
    before = os.umask(0o027)
    try:
        _, sink = node.run("umask")
    finally:
        os.umask(before)
    assert sink.text == "0027\n"


def test_a_script_has_its_own_session_and_no_descriptor_of_ours(node: Node) -> None:
    script = """import os
print(os.getsid(0) == os.getpid() == os.getpgid(0), sorted(os.listdir('/proc/self/fd')))"""
    _, sink = node.run(script, "python3")
    assert sink.text == "True ['0', '1', '2', '3']\n"  # 3 is the listing's own


def test_standard_input_is_at_its_end(node: Node) -> None:
    outcome, sink = node.run("cat; read line || echo ended")
    assert (outcome.exit_code, sink.text) == (0, "ended\n")


def test_both_streams_share_one_order(node: Node) -> None:
    _, sink = node.run("for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done")
    assert sink.text.split() == [f"{stream}{i}" for i in range(1, 6) for stream in "oe"]


def test_ignored_signals_are_not_inherited(node: Node) -> None:
    _, sink = node.run("", "grep", "-hE", "^Sig(Blk|Ign)", "/proc/self/status")
    blocked, ignored = (int(line.split()[1], 16) for line in sink.text.splitlines())
    of_the_c_library = 0b11 << 31  # signals 32 and 33: its own, which no program can set back
    assert (blocked & ~of_the_c_library, ignored & ~of_the_c_library) == (0, 0)


def test_every_byte_is_delivered(node: Node) -> None:
    _, sink = node.run("import os; [os.write(1, bytes(range(256)) * 1000) for _ in range(40)]", "python3")
    assert sink.data == bytes(range(256)) * 40_000
    assert sink.largest <= 65536


def test_outputs_and_summary_come_back(node: Node) -> None:
    script = """echo left=0 >> "$OPSAAS_OUTPUT_FILE"
printf 'text<<END\\na\\nb\\nEND\\nBad=1\\n' >> "$OPSAAS_OUTPUT_FILE"
echo '# Done' > "$OPSAAS_SUMMARY_FILE"; exit 4 """
    outcome, _ = node.run(script)
    assert (outcome.outputs, outcome.summary) == ({"left": "0", "text": "a\nb"}, "# Done\n")
    assert (outcome.exit_code, "does not begin with an output name" in outcome.detail) == (4, True)


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


@pytest.mark.parametrize(
    "put", ["mkfifo $F", "ln -s /etc/passwd $F", "mkdir $F", "rm -r .opsaas; ln -s /etc .opsaas", "ln -s /dev/zero $F"]
)
def test_only_a_plain_output_file_is_read(node: Node, put: str) -> None:
    outcome, _ = node.run(f'F=$OPSAAS_OUTPUT_FILE; rm "$F"; {put}')
    assert (outcome.exit_code, outcome.outputs) == (0, {})
    assert "output file on web1 could not be read" in outcome.detail


def test_a_script_may_remove_all_that_it_was_given(node: Node) -> None:
    outcome, _ = node.run('rm -rf "$HOME"')
    assert outcome == fine()


def test_what_can_hardly_be_removed_is_removed(node: Node) -> None:
    outcome, _ = node.run(
        "mkdir -p a/b; touch a/b/c; chmod 000 a/b a; ln -s / away; mkfifo pipe; touch -- '-rf' 'x\ny'"
    )
    assert outcome == fine()
    assert node.left() == []


def test_a_too_large_summary_is_told(node: Node) -> None:
    outcome, _ = node.run('head -c 2000000 /dev/zero > "$OPSAAS_SUMMARY_FILE"')
    assert len(outcome.summary) == 1024 * 1024
    assert "larger than 1 MiB" in outcome.detail


def test_a_failing_sink_ends_the_script(node: Node) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    piece = node.work("trap '' TERM; while :; do echo x; done")
    with pytest.raises(OSError, match="No space left"):
        node.executor.execute(work=piece, sink=Full(), lease=HeldLease())
    assert survivors(piece.run_id) == []


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
