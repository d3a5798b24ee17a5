"""`opsaas try`: a definition on this machine, as a worker would run it, and nothing left of it."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Opsaas
from tests.execution.helpers import survivors, wait_until

Spawn = Callable[..., "subprocess.Popen[bytes]"]
Started = Callable[..., "subprocess.Popen[bytes]"]

HEAD = """\
apiVersion: opsaas/v1
kind: Runbook
metadata: {project: demo, slug: tried, title: Tried}
doc: A test.
spec:
"""
PARAMETERS = """\
  parameters:
    - {name: path, type: string, pattern: "/.*", default: /}
    - {name: count, type: integer, min: 1, max: 9, required: false}
    - {name: text, type: text, required: false}
"""


@pytest.fixture(autouse=True)
def _a_temporary_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """A definition of shell steps in a file; answers its path."""

    def write(*scripts: str, more: str = "", timeout: str = "20s") -> str:
        lines = [HEAD, PARAMETERS, "  steps:\n"]
        for number, script in enumerate(scripts):
            lines.append(
                f"    - {{id: s{number}, interpreter: [sh], timeout: {timeout}, script: {json.dumps(script)}}}\n"
            )
        file = tmp_path / "tried.yaml"
        file.write_text("".join(lines) + more)
        return str(file)

    return write


def nothing_is_left(tmp_path: Path) -> bool:
    return not list((tmp_path / "temporary").glob("opsaas-try-*"))


@pytest.fixture
def started(written: Callable[..., str], spawn: Spawn, tmp_path: Path) -> Started:
    """A try as a process, once its script says that it runs; the run's id is in the file `id`."""

    def start(script: str, *, first: str = "true") -> "subprocess.Popen[bytes]":
        process = spawn("try", written(f"{first}; echo $OPSAAS_RUN_ID > {tmp_path}/id; echo runs; {script}"))
        assert process.stdout
        assert process.stdout.readline() == b"runs\n"
        return process

    return start


def test_output_is_exact_and_everything_else_goes_to_standard_error(
    opsaas: Opsaas, written: Callable[..., str]
) -> None:
    done = opsaas("try", written("printf 'a\\000\\377\\r'; echo b >&2"))
    assert (done.code, done.out) == (0, b"a\0\xff\rb\n")
    assert "step s0" in done.err
    assert "succeeded" in done.err


def test_a_script_gets_what_a_worker_would_give_it(
    opsaas: Opsaas, written: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSAAS_TOKEN", "ops_secret")
    monkeypatch.setenv("LD_PRELOAD_OF_MINE", "1")
    done = opsaas("try", written("env; echo; cat $OPSAAS_PARAMS_FILE; ls"), "-p", "path=/a b", "-p", "count=3")
    variables, _, rest = done.text.partition("\n\n")
    found = dict(line.split("=", 1) for line in variables.splitlines())
    assert found["OPSAAS_PARAM_PATH"] == "/a b"
    assert found["OPSAAS_STEP_ID"] == "s0"
    assert found["HOME"].startswith(os.environ["TMPDIR"])
    ours = {name for name in found if name.startswith("OPSAAS_")}
    assert found.keys() - ours <= {"PATH", "HOME", "TMPDIR", "LANG", "PYTHONUNBUFFERED", "PWD", "SHLVL", "_", "OLDPWD"}
    assert "OPSAAS_TOKEN" not in found
    assert json.loads(rest) == {"path": "/a b", "count": 3}


def test_steps_run_in_order_until_one_fails_and_its_code_is_the_end(
    opsaas: Opsaas, written: Callable[..., str]
) -> None:
    done = opsaas("try", written("echo one", "echo two; exit 41", "echo three"))
    assert (done.code, done.text) == (41, "one\ntwo\n")
    assert "step s1 failed (exit code 41)" in done.err


def test_one_step_alone_can_be_tried(opsaas: Opsaas, written: Callable[..., str]) -> None:
    done = opsaas("try", written("echo one", "echo two"), "--step", "s1")
    assert (done.code, done.text) == (0, "two\n")
    assert opsaas("try", written("echo one"), "--step", "nine").code == 2


def test_outputs_and_summary_are_told(opsaas: Opsaas, written: Callable[..., str]) -> None:
    file = written('echo left=3 >> "$OPSAAS_OUTPUT_FILE"; echo "**fine**" > "$OPSAAS_SUMMARY_FILE"')
    done = opsaas("try", file)
    assert (done.code, done.out) == (0, b"")
    assert "output left = 3" in done.err
    assert "**fine**" in done.err
    run = json.loads(opsaas("try", file, "--json").out)
    assert run["status"] == "succeeded"
    assert run["outputs"] == {"s0": {"left": "3"}}
    assert run["steps"][0]["summary"] == "**fine**\n"


def test_values_are_checked_as_the_server_checks_them(opsaas: Opsaas, written: Callable[..., str]) -> None:
    done = opsaas("try", written("echo ran"), "-p", "path=relative", "-p", "count=10", "-p", "nonsense=1")
    assert (done.code, done.out) == (125, b"")
    for pointer in ("/parameters/path", "/parameters/count", "/parameters/nonsense"):
        assert pointer in done.err


def test_a_definition_that_would_be_refused_is_refused_with_the_line(
    opsaas: Opsaas, written: Callable[..., str]
) -> None:
    done = opsaas("try", written("echo ran", timeout="never"))
    assert (done.code, done.out) == (125, b"")
    assert "tried.yaml:11: /spec/steps/0/timeout" in done.err


def test_a_script_in_a_file_of_its_own_is_found_beside_the_definition(
    opsaas: Opsaas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "it.sh").write_text('#!/bin/sh\necho "from ${0##*/}"\n')
    (tmp_path / "it.yaml").write_text(f"{HEAD}  steps:\n    - {{id: only, script: {{file: ./it.sh}}}}\n")
    monkeypatch.chdir("/")
    assert opsaas("try", str(tmp_path / "it.yaml")).text == "from it.sh\n"


def test_a_program_that_is_missing_is_named(opsaas: Opsaas, tmp_path: Path) -> None:
    file = tmp_path / "it.yaml"
    file.write_text(f"{HEAD}  steps:\n    - {{id: only, interpreter: [no-such-program], script: x}}\n")
    done = opsaas("try", str(file))
    assert done.code == 123
    assert "no-such-program" in done.err


def test_no_file_is_wrong_usage(opsaas: Opsaas, tmp_path: Path) -> None:
    assert opsaas("try", str(tmp_path / "absent.yaml")).code == 125
    assert opsaas("try").code == 2


def test_time_that_is_over_is_124_and_nothing_is_left(
    opsaas: Opsaas, written: Callable[..., str], tmp_path: Path
) -> None:
    file = written(f"echo $OPSAAS_RUN_ID > {tmp_path}/id; setsid sleep 60 & sleep 60", timeout="1s")
    done = opsaas("try", file)
    assert done.code == 124
    assert survivors((tmp_path / "id").read_text().strip()) == []
    assert nothing_is_left(tmp_path)


def test_ctrl_c_ends_everything_that_the_script_started(started: Started, tmp_path: Path) -> None:
    process = started("setsid sleep 60 & sleep 60")
    run_id = (tmp_path / "id").read_text().strip()
    assert survivors(run_id)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert b"cancelled" in err
    assert b"Traceback" not in err
    assert survivors(run_id) == []
    assert nothing_is_left(tmp_path)


def test_a_second_ctrl_c_does_not_wait_for_a_script_that_will_not_go(started: Started, tmp_path: Path) -> None:
    process = started("while :; do sleep 0.1; done", first=f"trap 'echo > {tmp_path}/asked' TERM")
    process.send_signal(signal.SIGINT)
    wait_until((tmp_path / "asked").exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=9)  # sooner than the grace that it would have had
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert survivors((tmp_path / "id").read_text().strip()) == []
    assert nothing_is_left(tmp_path)


def test_a_killed_try_takes_its_script_along(started: Started, tmp_path: Path) -> None:
    process = started("setsid sleep 60 & sleep 60")
    run_id = (tmp_path / "id").read_text().strip()
    process.kill()
    wait_until(lambda: survivors(run_id) == [])


def test_a_reader_that_leaves_ends_the_try(started: Started, tmp_path: Path) -> None:
    process = started("while :; do echo more; sleep 0.05; done")
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.wait(20) == 125
    assert b"Traceback" not in process.stderr.read()
    assert nothing_is_left(tmp_path)


def test_a_try_needs_no_server_no_token_and_no_django(written: Callable[..., str]) -> None:
    code = "import sys; sys.modules['django'] = sys.modules['httpx'] = None\nfrom runbooks.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "try", written("echo ran")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "ran\n"), done.stderr


@pytest.fixture
def steps(tmp_path: Path) -> Callable[..., str]:
    """A definition of steps as they are given, in JSON, which is YAML too; answers its path."""

    def write(*steps: dict[str, object], **spec: object) -> str:
        whole = [{"interpreter": ["sh"], "timeout": "20s", **step} if "script" in step else step for step in steps]
        lines = [HEAD, f"  steps: {json.dumps(whole)}\n", *(f"  {key}: {json.dumps(spec[key])}\n" for key in spec)]
        file = tmp_path / "steps.yaml"
        file.write_text("".join(lines))
        return str(file)

    return write


def test_conditions_outputs_handlers_and_cleanup_are_those_of_a_run(opsaas: Opsaas, steps: Callable[..., str]) -> None:
    file = steps(
        {"id": "look", "script": 'echo left=0 > "$OPSAAS_OUTPUT_FILE"'},
        {"id": "restart", "script": "echo restarted", "when": 'steps.look.outputs.left != "0"'},
        {"id": "verify", "script": "cat $OPSAAS_OUTPUTS_FILE; echo; exit 7", "on_failure": {"go_to": "undo"}},
        {"id": "never", "script": "echo never"},
        {"id": "undo", "script": "echo undone"},
        {"id": "tidy", "script": "echo tidied"},
        cleanup=["tidy"],
    )
    done = opsaas("try", file)
    assert (done.code, done.text) == (7, '{"look": {"left": "0"}}\nundone\ntidied\n')
    assert "step restart skipped" in done.err


def test_a_step_is_tried_again_where_its_author_allows_it(
    opsaas: Opsaas, steps: Callable[..., str], tmp_path: Path
) -> None:
    script = f"echo attempt $OPSAAS_ATTEMPT; [ -e {tmp_path}/twice ] || {{ touch {tmp_path}/twice; exit 1; }}"
    done = opsaas("try", steps({"id": "flaky", "script": script, "retries": {"count": 2}}))
    assert (done.code, done.text) == (0, "attempt 1\nattempt 2\n")


def test_ctrl_c_still_runs_what_cleans_up(steps: Callable[..., str], spawn: Spawn, tmp_path: Path) -> None:
    long = {"id": "long", "script": f"echo $OPSAAS_RUN_ID > {tmp_path}/id; echo runs; sleep 60"}
    tidy = {"id": "tidy", "script": "echo tidied"}
    process = spawn("try", steps(long, {"id": "more", "script": "echo more"}, tidy, cleanup=["tidy"]))
    assert process.stdout
    assert process.stdout.readline() == b"runs\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, b"tidied\n"), err
    assert survivors((tmp_path / "id").read_text().strip()) == []


SECRET = "correct-horse-battery"


def test_secrets_come_from_files_or_variables_and_are_masked_in_what_is_shown(
    opsaas: Opsaas, steps: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(SECRET)
    monkeypatch.setenv("OTHER", "another-secret-value")
    script = 'echo "$KEY $OTHER" | tr a-z A-Z; echo "$KEY $OTHER"; echo "v=$KEY" > "$OPSAAS_OUTPUT_FILE"'
    file = steps({"id": "uses", "script": script, "secrets": {"KEY": "demo/key", "OTHER": "demo/other"}})
    done = opsaas("try", file, "--secret", f"KEY=@{tmp_path}/key")
    assert (done.code, done.text) == (0, "CORRECT-HORSE-BATTERY ANOTHER-SECRET-VALUE\n*** ***\n")
    assert SECRET not in done.err


def test_a_secret_parameter_reaches_the_script_and_is_masked_in_what_is_shown(
    opsaas: Opsaas, steps: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(SECRET)
    script = 'echo "$OPSAAS_PARAM_TOKEN" | tr a-z A-Z; echo "$OPSAAS_PARAM_TOKEN"'
    file = steps({"id": "uses", "script": script}, parameters=[{"name": "token", "type": "secret"}])
    done = opsaas("try", file, "-p", f"token=@{tmp_path}/token")
    assert (done.code, done.text) == (0, "CORRECT-HORSE-BATTERY\n***\n"), done.err
    run = opsaas("try", file, "-p", f"token=@{tmp_path}/token", "--json")
    assert SECRET not in run.text + run.err


def test_a_secret_is_never_taken_from_the_command_line_and_one_that_is_missing_is_named(
    opsaas: Opsaas, steps: Callable[..., str], tmp_path: Path
) -> None:
    file = steps({"id": "uses", "script": "echo ran", "secrets": {"KEY": "demo/key"}})
    typed = opsaas("try", file, "--secret", f"KEY={SECRET}")
    assert (typed.code, SECRET in typed.err) == (2, False)
    missing = opsaas("try", file)
    assert (missing.code, missing.out) == (125, b"")
    assert "KEY (for demo/key)" in missing.err
    (tmp_path / "key").write_text(SECRET)
    assert opsaas("try", file, "--secret", f"NONE=@{tmp_path}/key").code == 2


def test_artifacts_are_copied_where_the_author_wants_them(
    opsaas: Opsaas, steps: Callable[..., str], tmp_path: Path
) -> None:
    script = 'mkdir "$OPSAAS_ARTIFACTS_DIR/in"; printf "a\\000b" > "$OPSAAS_ARTIFACTS_DIR/in/report"'
    done = opsaas("try", steps({"id": "leaves", "script": script}), "--artifacts", str(tmp_path / "kept"))
    assert done.code == 0, done.err
    assert (tmp_path / "kept" / "leaves" / "in" / "report").read_bytes() == b"a\0b"


def test_what_a_try_leaves_out_is_said(opsaas: Opsaas, steps: Callable[..., str]) -> None:
    done = opsaas("try", steps({"id": "only", "script": "echo ran"}, concurrency={"key": "'x'"}))
    assert (done.code, done.text) == (0, "ran\n")
    assert "leaves out spec.concurrency" in done.err


def test_what_a_try_does_not_do_is_refused_and_not_passed_over(
    opsaas: Opsaas, written: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runbooks.cli.trying.subject._OF_STEP", frozenset({"id", "script", "interpreter"}))
    done = opsaas("try", written("echo ran"))
    assert (done.code, done.out) == (125, b"")
    assert "spec.steps[].timeout" in done.err


def test_questions_are_answered_by_options_and_a_no_fails_the_step(opsaas: Opsaas, steps: Callable[..., str]) -> None:
    asks = {"id": "look", "manual": {"ask": "Is it **0**?", "from": ["group:sre"]}}
    file = steps(asks, {"id": "after", "script": "echo went on"})
    done = opsaas("try", file, "--answer", "look=approve")
    assert (done.code, done.text) == (0, "went on\n")
    assert "Is it **0**?" in done.err
    assert "a server would take the answer of group:sre alone" in done.err
    done = opsaas("try", file, "--answer", "look=reject")
    assert (done.code, done.out) == (1, b"")
    assert "You said it has failed." in done.err


def test_a_question_without_a_terminal_is_refused_before_anything_runs(
    opsaas: Opsaas, steps: Callable[..., str]
) -> None:
    file = steps({"id": "first", "script": "echo ran"}, {"id": "look", "manual": {"ask": "Fine?"}})
    done = opsaas("try", file)
    assert (done.code, done.out) == (125, b"")
    assert "--answer look=approve" in done.err
    assert opsaas("try", file, "--answer", "first=approve").code == 2
    assert opsaas("try", file, "--answer", "look=maybe").code == 2


def test_a_question_is_asked_on_the_terminal(steps: Callable[..., str]) -> None:
    file = steps({"id": "look", "manual": {"ask": "Fine?"}}, {"id": "after", "script": "echo went on"})
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "runbooks.cli", "try", file]
    process = subprocess.Popen(command, stdin=child, stderr=child, stdout=subprocess.PIPE)
    os.close(child)
    shown = b""
    while b"[y/n]" not in shown:
        shown += os.read(parent, 1024)
    os.write(parent, b"what?\ny\n")
    assert process.stdout
    assert process.stdout.read() == b"went on\n"
    assert process.wait(60) == 0
    os.close(parent)


def test_waits_are_waited_for_or_skipped_and_said(opsaas: Opsaas, steps: Callable[..., str]) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    waits = [
        {"id": "short", "wait": {"for": "1s"}},
        {"id": "until", "wait": {"until": 'steps.short.status == "succeeded"'}},
        {"id": "moment", "wait": {"at": soon}},
    ]
    done = opsaas("try", steps(*waits, {"id": "after", "script": "echo over"}))
    assert (done.code, done.text) == (0, "over\n")
    done = opsaas("try", steps({"id": "long", "wait": {"for": "23h"}}, {"id": "s", "script": "echo over"}), "--no-wait")
    assert (done.code, done.text) == (0, "over\n")
    assert "the wait of step long is skipped" in done.err
    done = opsaas("try", steps({"id": "never", "wait": {"until": "false"}, "timeout": "1s"}))
    assert done.code == 124


INNER = """\
apiVersion: opsaas/v1
kind: Runbook
metadata: {project: demo, slug: inner, title: Inner}
spec:
  parameters: [{name: host, type: string}]
  steps:
    - {id: only, interpreter: [sh], script: 'echo on $OPSAAS_PARAM_HOST; echo left=0 >> $OPSAAS_OUTPUT_FILE'}
"""


def test_a_runbook_that_is_a_step_is_tried_as_a_file_beside_has_it(
    opsaas: Opsaas, steps: Callable[..., str], tmp_path: Path
) -> None:
    calls = {"id": "other", "runbook": {"path": "demo/inner", "parameters": {"host": {"from": '"web" + "1"'}}}}
    file = steps(calls, {"id": "after", "script": "echo after", "when": 'steps.other.outputs.left == "0"'})
    done = opsaas("try", file)
    assert (done.code, done.out) == (125, b"")
    assert "whose definition is not beside" in done.err
    (tmp_path / "inner.yaml").write_text(INNER)
    done = opsaas("try", file)
    assert (done.code, done.text) == (0, "on web1\nafter\n")
    assert "demo/inner is tried as" in done.err
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "inner.yaml").rename(elsewhere / "inner.yaml")
    assert opsaas("try", file, "--with", str(elsewhere)).code == 0


def test_runbooks_that_lead_in_a_circle_are_refused(opsaas: Opsaas, steps: Callable[..., str], tmp_path: Path) -> None:
    back = "  steps:\n    - {id: back, runbook: {path: demo/tried}}\n"
    (tmp_path / "inner.yaml").write_text(INNER.partition("  steps:")[0] + back)
    done = opsaas("try", steps({"id": "other", "runbook": {"path": "demo/inner", "parameters": {"host": "a"}}}))
    assert (done.code, done.out) == (125, b"")
    assert "It would never come to an end: demo/tried runs demo/inner runs demo/tried." in done.err
