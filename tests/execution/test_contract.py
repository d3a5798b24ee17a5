"""What a script gets, and what comes back from it: the same wherever it runs, and however it is kept from the rest."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.domain.ports import GivenFile, Outcome, OutcomeKind
from runbooks.execution.containment.ladder import LEVELS
from runbooks.execution.ssh.executor import SshExecutor
from tests.execution.helpers import HeldLease, survivors
from tests.execution.places import Place, local_executor
from tests.execution.ssh_fixtures import SHELLS
from tests.execution.ssh_servers import Server, shims

FINE = (OutcomeKind.EXITED, 0, "")
NASTY = 'it\'s "so" $(id) `id` \\ ; & | > < * ? ~ \n\tnew line, é, 漢字, 🙂\r\n '
DUMP_ENVIRONMENT = "import os,json; print(json.dumps(dict(os.environ)))"
EVERY_BYTE = "".join(map(chr, range(1, 0x250)))
HEX_OF_VALUES = """import os, json
environment = {k: v for k, v in os.environb.items() if k.startswith(b"OPSAAS_PARAM_") or k.startswith(b"TOKEN")}
print(json.dumps({k.decode(): v.hex() for k, v in environment.items()}))
print(open(os.environ["OPSAAS_PARAMS_FILE"]).read())"""


@pytest.fixture(scope="module", params=[*LEVELS, *(f"a node with {shell}" for shell in SHELLS)])
def shared_place(request: pytest.FixtureRequest, passable_folder: Path) -> Iterator[Place]:
    """Every executor, on every kind of ground."""
    if request.param in LEVELS:
        folder = passable_folder / f"contract-{request.param}"
        with local_executor(folder, recipe=request.param) as executor:
            yield Place(executor, folder)
        return
    with tempfile.TemporaryDirectory(prefix="opsaas-node-") as name, Server() as server:
        folder = Path(name) / "places"
        folder.mkdir()
        server.tools = shims(Path(name) / "bin", request.param.rpartition(" ")[2])
        with SshExecutor(places=("/no/such/place", str(folder))) as executor:
            yield Place(executor, folder, server.target)


@pytest.fixture
def place(shared_place: Place) -> Iterator[Place]:
    yield shared_place
    assert shared_place.left() == []


def ended(outcome: Outcome) -> tuple[OutcomeKind, int | None, str]:
    return outcome.kind, outcome.exit_code, outcome.detail


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
def test_a_script_in_any_language_runs(place: Place, interpreter: tuple[str, ...], script: str) -> None:
    outcome, sink = place.run(script, *interpreter)
    assert (ended(outcome), sink.text) == (FINE, "hello\n")


def test_arguments_arrive_as_they_are(place: Place) -> None:
    arguments = ("sh", "-c", "printf '%s|' \"$@\"", "", "-n", "--", "a b", "'\"$(id)`id`\\", "two\nlines\n", "")
    outcome, sink = place.run("", *arguments, "{script}")
    *passed, script, end = sink.text.split("|")
    assert (outcome.exit_code, passed, end) == (0, list(arguments[4:]), "")
    assert script.endswith("/main")


def test_the_path_replaces_its_placeholder_inside_an_argument(place: Place) -> None:
    outcome, sink = place.run("content", "sh", "-c", "cat '{script}'; echo :$#", "name")
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
def test_a_script_can_name_its_own_interpreter(place: Place, first: str, rest: str, said: str) -> None:
    outcome, sink = place.run(f"{first}\n{rest}\n", interpreter=None, script_name="fix it.mjs")
    assert ended(outcome) == FINE
    assert sink.text.endswith(said)


@pytest.mark.parametrize(
    ("script", "interpreter", "code", "words"),
    [
        ("#!/bin/sh\r\necho hi\r\n", None, 127, "carriage return"),
        ("echo hi", None, 126, "does not begin with a #! line"),
        ("#!/no/such/thing\n", None, 127, '"/no/such/thing" does not exist'),
        ("#!/usr/bin/env no_such_thing\n", None, 127, '"no_such_thing" was not found'),
        ("#!/usr/bin/env -S no_such_thing -x\n", None, 127, '"no_such_thing"'),
        ("#!/etc/passwd\n", None, 126, '"/etc/passwd" is not executable'),
        ("", ("no_such_thing",), 127, '"no_such_thing" was not found'),
        ("", ("echo; id",), 127, '"echo; id" was not found'),
        ("", ("/no/such/thing", "-x"), 127, '"/no/such/thing" does not exist'),
        ("", ("/etc/passwd",), 126, '"/etc/passwd" is not executable'),
    ],
)
def test_what_cannot_be_started_is_named(
    place: Place, script: str, interpreter: tuple[str, ...] | None, code: int, words: str
) -> None:
    outcome, sink = place.run(script, interpreter=interpreter)
    assert (outcome.kind, outcome.exit_code, sink.text) == (OutcomeKind.NOT_STARTED, code, "")
    assert words in outcome.detail
    assert place.where in outcome.detail or "found" not in outcome.detail


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
def test_exit_codes_and_signals_come_back(place: Place, script: str, code: int) -> None:
    outcome, sink = place.run(script)
    assert (ended(outcome), sink.text) == ((OutcomeKind.EXITED, code, ""), "")


def test_values_arrive_byte_identical(place: Place) -> None:
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
    outcome, sink = place.run(
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
    assert (file, ended(outcome)) == (values, FINE)


def test_a_megabyte_of_values_arrives(place: Place) -> None:
    values = {"large": "é" * 60_000, "fits": "x" * 102_400, **{f"part{i}": "y" * 100_000 for i in range(8)}}
    script = """import os, json
print(json.load(open(os.environ["OPSAAS_PARAMS_FILE"]))["large"] == "é" * 60_000)
print([len(os.environ.get("OPSAAS_PARAM_" + name, "")) for name in ("LARGE", "FITS", "PART7")])"""
    _, sink = place.run(script, "python3", parameters=values)
    assert sink.text == "True\n[0, 102400, 100000]\n"


def test_a_secret_file_holds_its_content_and_is_private(place: Place) -> None:
    script = 'stat -c %a "$KEY"; cat "$KEY"'
    _, sink = place.run(script, secret_files={"KEY": "-----BEGIN\r\nabc\n"})
    assert sink.data == b"600\n-----BEGIN\r\nabc\n"


def test_given_files_arrive_byte_identical(place: Place) -> None:
    data = bytes(range(256)) * 600
    files = {"image": GivenFile(name="it's *.bin", data=data), "note": GivenFile(name="-n", data=b"")}
    script = 'echo "$OPSAAS_PARAM_IMAGE"; stat -c "%a %s" "$OPSAAS_PARAM_NOTE"; cat "$OPSAAS_PARAM_IMAGE"'
    _, sink = place.run(script, files=files)
    path, facts, received = bytes(sink.data).split(b"\n", 2)
    assert path.endswith(b"/.opsaas/files/image/it's *.bin")
    assert (facts, received) == (b"600 0", data)


def test_a_script_arrives_byte_identical(place: Place) -> None:
    script = 'echo "$0"\r\nexit 0\n\'"`é\x01\x80\\\n\n'
    _, sink = place.run(script, "cat")
    assert sink.data == script.encode()


def test_the_environment_is_clean(place: Place) -> None:
    _, sink = place.run(DUMP_ENVIRONMENT, "python3", "-X", "utf8=0", node="web1", attempt=2)
    environment = json.loads(sink.text)
    for bashs_own in ("_", "SHLVL"):  # it adds them to whatever it executes
        environment.pop(bashs_own, None)
    root = Path(environment["HOME"])
    run_id = environment.pop("OPSAAS_RUN_ID")
    assert root.parent == place.folder
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


def test_the_folder_is_private_and_current(place: Place) -> None:
    script = 'test "$(pwd)" = "$HOME" && stat -c %a . "$TMPDIR" "$OPSAAS_ARTIFACTS_DIR" "$0" "$OPSAAS_PARAMS_FILE"; ls'
    outcome, sink = place.run(script)
    assert (outcome.exit_code, sink.text.split()) == (0, ["700", "700", "700", "700", "600"])


def test_a_script_has_its_own_session_and_no_descriptor_of_ours(place: Place) -> None:
    script = """import os
print(os.getsid(0) == os.getpid() == os.getpgid(0), sorted(os.listdir('/proc/self/fd')))"""
    _, sink = place.run(script, "python3")
    assert sink.text == "True ['0', '1', '2', '3']\n"  # 3 is the listing's own


def test_standard_input_is_at_its_end(place: Place) -> None:
    outcome, sink = place.run("cat; read line || echo ended")
    assert (outcome.exit_code, sink.text) == (0, "ended\n")


def test_both_streams_share_one_order(place: Place) -> None:
    _, sink = place.run("for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done")
    assert sink.text.split() == [f"{stream}{i}" for i in range(1, 6) for stream in "oe"]


def test_ignored_signals_are_not_inherited(place: Place) -> None:
    _, sink = place.run("", "grep", "-hE", "^Sig(Blk|Ign)", "/proc/self/status")
    blocked, ignored = (int(line.split()[1], 16) for line in sink.text.splitlines())
    of_the_c_library = 0b11 << 31  # signals 32 and 33: its own, which no program can set back
    assert (blocked & ~of_the_c_library, ignored & ~of_the_c_library) == (0, 0)


def test_every_byte_is_delivered(place: Place) -> None:
    _, sink = place.run("import os; [os.write(1, bytes(range(256)) * 1000) for _ in range(40)]", "python3")
    assert sink.data == bytes(range(256)) * 40_000
    assert sink.largest <= 65536


def test_outputs_and_summary_come_back(place: Place) -> None:
    script = """echo left=0 >> "$OPSAAS_OUTPUT_FILE"
printf 'text<<END\\na\\nb\\nEND\\nBad=1\\n' >> "$OPSAAS_OUTPUT_FILE"
echo '# Done' > "$OPSAAS_SUMMARY_FILE"; exit 4 """
    outcome, _ = place.run(script)
    assert (outcome.outputs, outcome.summary) == ({"left": "0", "text": "a\nb"}, "# Done\n")
    assert (outcome.exit_code, "does not begin with an output name" in outcome.detail) == (4, True)


@pytest.mark.parametrize(
    "put", ["mkfifo $F", "ln -s /etc/passwd $F", "mkdir $F", "rm -r .opsaas; ln -s /etc .opsaas", "ln -s /dev/zero $F"]
)
def test_only_a_plain_output_file_is_read(place: Place, put: str) -> None:
    outcome, _ = place.run(f'F=$OPSAAS_OUTPUT_FILE; rm "$F"; {put}')
    assert (outcome.exit_code, outcome.outputs) == (0, {})
    assert f"output file{place.where} could not be read" in outcome.detail


def test_of_a_too_large_summary_whole_lines_are_kept_and_it_is_told(place: Place) -> None:
    outcome, _ = place.run('yes "a line" | head -c 2000000 > "$OPSAAS_SUMMARY_FILE"; exit 0')
    assert outcome.summary == "a line\n" * (1024 * 1024 // 7)
    assert "larger than 1 MiB" in outcome.detail


def test_a_script_may_remove_all_that_it_was_given(place: Place) -> None:
    outcome, _ = place.run('rm -rf "$HOME"; exit 0')
    assert ended(outcome) == FINE


def test_what_can_hardly_be_removed_is_removed(place: Place) -> None:
    outcome, _ = place.run(
        "mkdir -p a/b; touch a/b/c; chmod 000 a/b a; ln -s / away; mkfifo pipe; touch -- '-rf' 'x\ny'"
    )
    assert ended(outcome) == FINE
    assert place.left() == []


def test_a_failing_sink_ends_the_script(place: Place) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    piece = place.work("trap '' TERM; while :; do echo x; done")
    with pytest.raises(OSError, match="No space left"):
        place.executor.execute(work=piece, sink=Full(), lease=HeldLease())
    assert survivors(piece.run_id) == []
