"""What a script gets, and what comes back from it."""

import json
import os
import signal
from pathlib import Path

import pytest

from runbooks.domain.ports import Containment, Level, Outcome, OutcomeKind, StopReason, Work
from runbooks.execution.local import LocalExecutor
from runbooks.execution.recipes import HOST
from tests.execution.helpers import HeldLease, Sink, folders, survivors, titled, work

NASTY = 'it\'s "so" $(id) `id` \\ ; & | > < * ? ~ \n\tnew line, é, 漢字, 🙂\r\n '
DUMP_ENVIRONMENT = "import os,json; print(json.dumps(dict(os.environ)))"


def run(executor: LocalExecutor, piece: Work) -> tuple[Outcome, Sink]:
    sink = Sink()
    return executor.execute(work=piece, sink=sink, lease=HeldLease()), sink


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
def test_a_script_in_any_language_runs(executor: LocalExecutor, interpreter: tuple[str, ...], script: str) -> None:
    outcome, sink = run(executor, work(script, *interpreter))
    assert (outcome.kind, outcome.exit_code, sink.text) == (OutcomeKind.EXITED, 0, "hello\n")


def test_the_path_replaces_its_placeholder_inside_an_argument(executor: LocalExecutor) -> None:
    outcome, sink = run(executor, work("content", "sh", "-c", "cat '{script}'; echo :$#", "name"))
    assert (outcome.exit_code, sink.text) == (0, "content:0\n")


def test_a_script_can_name_its_own_interpreter(executor: LocalExecutor) -> None:
    outcome, sink = run(executor, work("#!/bin/sh\necho $0", interpreter=None, script_name="fix.mjs"))
    assert outcome.exit_code == 0
    assert sink.text.endswith("/fix.mjs\n")


@pytest.mark.parametrize(
    ("script", "interpreter", "code", "words"),
    [
        ("#!/bin/sh\r\necho hi\r\n", None, 127, "carriage return"),
        ("echo hi", None, 126, "does not begin with a #! line"),
        ("#!/no/such/thing\n", None, 127, '"/no/such/thing"'),
        ("#!/usr/bin/env no_such_thing\n", None, 127, '"no_such_thing"'),
        ("#!/usr/bin/env -S no_such_thing -x\n", None, 127, '"no_such_thing"'),
        ("#!/etc/passwd\n", None, 126, '"/etc/passwd" is not executable'),
        ("", ("no_such_thing",), 127, '"no_such_thing" was not found'),
        ("", ("/no/such/thing", "-x"), 127, '"/no/such/thing" does not exist'),
        ("", ("/etc/passwd",), 126, '"/etc/passwd" is not executable'),
    ],
)
def test_what_cannot_be_started_is_named(
    executor: LocalExecutor, script: str, interpreter: tuple[str, ...] | None, code: int, words: str
) -> None:
    outcome, sink = run(executor, work(script, interpreter=interpreter))
    assert (outcome.kind, outcome.exit_code, sink.text) == (OutcomeKind.NOT_STARTED, code, "")
    assert words in outcome.detail


def test_what_only_the_kernel_refuses_is_named(tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_bytes(b"#!/no/such/loader\n")
    program.chmod(0o755)
    with LocalExecutor(base_folder=tmp_path / "runs", recipes=(HOST,)) as executor:
        outcome, _ = run(executor, work("", str(program)))
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.NOT_STARTED, 127)
    assert f'"{program}" is there, but' in outcome.detail


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("kill -15 $$", 143)]
)
def test_exit_codes_and_signals_come_back(executor: LocalExecutor, script: str, code: int) -> None:
    outcome, _ = run(executor, work(script))
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.EXITED, code)


def test_values_arrive_byte_identical(executor: LocalExecutor) -> None:
    values = {
        "nasty": NASTY,
        "empty": "",
        "yes": True,
        "number": 1.5,
        "count": 10**15,
        "list": ["a", 'b"'],
        "none": None,
    }
    script = """import os, json
environment = {k: v for k, v in os.environb.items() if k.startswith(b"OPSAAS_PARAM_")}
print(json.dumps({k.decode(): v.hex() for k, v in environment.items()}))
print(open(os.environ["OPSAAS_PARAMS_FILE"]).read())"""
    _, sink = run(executor, work(script, "python3", parameters=values))
    variables, file = map(json.loads, sink.text.splitlines())
    assert {name: bytes.fromhex(value).decode() for name, value in variables.items()} == {
        "OPSAAS_PARAM_NASTY": NASTY,
        "OPSAAS_PARAM_EMPTY": "",
        "OPSAAS_PARAM_YES": "true",
        "OPSAAS_PARAM_NUMBER": "1.5",
        "OPSAAS_PARAM_COUNT": "1000000000000000",
        "OPSAAS_PARAM_LIST": 'a\nb"',
    }
    assert file == values


def test_large_values_are_in_the_file_only(executor: LocalExecutor) -> None:
    values = {"large": "é" * 60_000, "fits": "x" * 102_400, **{f"part{i}": "y" * 100_000 for i in range(8)}}
    script = """import os, json
print(json.load(open(os.environ["OPSAAS_PARAMS_FILE"]))["large"] == "é" * 60_000)
print([len(os.environ.get("OPSAAS_PARAM_" + name, "")) for name in ("LARGE", "FITS", "PART7")])"""
    _, sink = run(executor, work(script, "python3", parameters=values))
    assert sink.text == "True\n[0, 102400, 100000]\n"


def test_the_environment_is_clean(executor: LocalExecutor, base_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    piece = work(DUMP_ENVIRONMENT, "python3", "-X", "utf8=0")
    _, sink = run(executor, piece)
    environment = json.loads(sink.text)
    root = Path(environment["HOME"])
    assert root.parent == base_folder
    assert environment == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(root),
        "TMPDIR": str(root / ".opsaas/temporary"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "OPSAAS_RUN_ID": piece.run_id,
        "OPSAAS_STEP_ID": "only",
        "OPSAAS_NODE": "",
        "OPSAAS_ATTEMPT": "1",
        "OPSAAS_ACTOR": "runner",
        "OPSAAS_PARAMS_FILE": str(root / ".opsaas/params.json"),
        "OPSAAS_OUTPUT_FILE": str(root / ".opsaas/output"),
        "OPSAAS_SUMMARY_FILE": str(root / ".opsaas/summary.md"),
        "OPSAAS_ARTIFACTS_DIR": str(root / ".opsaas/artifacts"),
    }


def test_the_folder_is_private_and_current(executor: LocalExecutor) -> None:
    script = 'test "$(pwd)" = "$HOME" && stat -c %a . "$TMPDIR" "$OPSAAS_ARTIFACTS_DIR" "$0" "$OPSAAS_PARAMS_FILE"'
    outcome, sink = run(executor, work(script))
    assert (outcome.exit_code, sink.text.split()) == (0, ["700", "700", "700", "700", "600"])


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


def test_a_script_has_a_session_of_its_own(executor: LocalExecutor) -> None:
    _, sink = run(executor, work("import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))", "python3"))
    assert sink.text == "True\n"


def test_standard_input_is_at_its_end(executor: LocalExecutor) -> None:
    outcome, sink = run(executor, work("cat; read line || echo ended"))
    assert (outcome.exit_code, sink.text) == (0, "ended\n")


def test_both_streams_share_one_order(executor: LocalExecutor) -> None:
    _, sink = run(executor, work("for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done"))
    assert sink.text.split() == [f"{stream}{i}" for i in range(1, 6) for stream in "oe"]


def test_ignored_signals_are_not_inherited(executor: LocalExecutor) -> None:
    _, sink = run(executor, work("grep -E '^Sig(Blk|Ign)' /proc/self/status"))
    blocked, ignored = (int(line.split()[1], 16) for line in sink.text.splitlines())
    of_the_c_library = 0b11 << 31  # signals 32 and 33: its own, which no program can set back
    assert (blocked & ~of_the_c_library, ignored & ~of_the_c_library) == (0, 0)


def test_what_the_worker_ignores_its_scripts_do_not(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    try:
        with LocalExecutor(base_folder=tmp_path / "work") as executor:
            script = "grep -E '^SigIgn' /proc/self/status"
            _, sink = run(executor, work(script, containment=Containment(level=Level.HOST)))
    finally:
        signal.signal(signal.SIGQUIT, before)
    assert int(sink.text.split()[1], 16) & (1 << (signal.SIGQUIT - 1)) == 0


def test_every_byte_is_delivered(executor: LocalExecutor) -> None:
    _, sink = run(executor, work("import os; [os.write(1, bytes(range(256)) * 1000) for _ in range(40)]", "python3"))
    assert sink.data == bytes(range(256)) * 40_000
    assert sink.largest <= 65536


def test_outputs_and_summary_come_back(executor: LocalExecutor) -> None:
    script = """echo left=0 >> "$OPSAAS_OUTPUT_FILE"
printf 'text<<END\\na\\nb\\nEND\\nBad=1\\n' >> "$OPSAAS_OUTPUT_FILE"
echo '# Done' > "$OPSAAS_SUMMARY_FILE" """
    outcome, _ = run(executor, work(script))
    assert (outcome.outputs, outcome.summary) == ({"left": "0", "text": "a\nb"}, "# Done\n")
    assert "does not begin with an output name" in outcome.detail


@pytest.mark.parametrize(
    "put", ["mkfifo $F", "ln -s /etc/passwd $F", "mkdir $F", "rm -r .opsaas; ln -s /etc .opsaas", "ln -s /dev/zero $F"]
)
def test_only_a_plain_output_file_is_read(executor: LocalExecutor, put: str) -> None:
    outcome, _ = run(executor, work(f'F=$OPSAAS_OUTPUT_FILE; rm "$F"; {put}'))
    assert (outcome.exit_code, outcome.outputs) == (0, {})
    assert "output file could not be read" in outcome.detail


def test_a_script_may_remove_all_that_it_was_given(executor: LocalExecutor) -> None:
    outcome, _ = run(executor, work('rm -rf "$HOME"; exit 0'))
    assert (outcome.kind, outcome.exit_code, outcome.detail) == (OutcomeKind.EXITED, 0, "")


def test_a_too_large_summary_is_told(executor: LocalExecutor) -> None:
    outcome, _ = run(executor, work('head -c 2000000 /dev/zero > "$OPSAAS_SUMMARY_FILE"'))
    assert len(outcome.summary) == 1024 * 1024
    assert "larger than 1 MiB" in outcome.detail


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


def test_a_failing_sink_ends_the_script(executor: LocalExecutor) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    piece = work("trap '' TERM; while :; do echo x; done")
    with pytest.raises(OSError, match="No space left"):
        executor.execute(work=piece, sink=Full(), lease=HeldLease())
    assert survivors(piece.run_id) == []
