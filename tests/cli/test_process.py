"""The command as a process of its own: signals, pipes, terminals, start-up."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.cli.conftest import COMMAND, ROOT
from tests.cli.server import TOKEN, Run, Server, pause

Spawn = Callable[..., "subprocess.Popen[bytes]"]


def endless(run: Run) -> None:
    run.become("running")
    run.write(b"first\n")


def colourful(run: Run) -> None:
    run.become("running")
    run.write(b"\x1b[32mgreen\x1b[0m\x1b[2J\x1b]0;title\x07 real\rfake\n")
    pause()
    run.become("failed", 5)


def on_a_terminal(spawn: Spawn, *words: str, typed: bytes = b"", **more: object) -> tuple[int, bytes]:
    """Everything shown on a terminal that is the process's standard input, output and error."""
    ours, theirs = pty.openpty()
    process = spawn(*words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, **more)
    os.close(theirs)
    shown, end = b"", time.monotonic() + 30
    while time.monotonic() < end and select.select([ours], [], [], 30)[0]:
        part = b""
        with suppress(OSError):  # how Linux says that nobody has the other side open any more
            part = os.read(ours, 65536)
        if not part:
            break
        shown += part
        if typed and b"not shown" in shown:
            os.write(ours, typed)
            typed = b""
    os.close(ours)
    return process.wait(10), shown.replace(b"\r\n", b"\n")


def test_ctrl_c_detaches_and_the_run_goes_on(signed_in: Server, spawn: Spawn) -> None:
    signed_in.plot = endless
    process = spawn("run", "payments/drain-worker", "--follow")
    assert process.stdout
    assert process.stdout.readline() == b"first\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert b"opsaas runs follow run-1" in err
    assert b"opsaas runs cancel run-1" in err
    assert b"Traceback" not in err
    assert signed_in.runs["run-1"].status == "running"


def test_exit_codes_reach_the_shell(signed_in: Server, spawn: Spawn) -> None:
    signed_in.plot = lambda run: run.become("failed", 41)
    assert spawn("run", "payments/drain-worker", "--follow").wait(20) == 41


def test_a_pipe_gets_exact_bytes(signed_in: Server, spawn: Spawn) -> None:
    signed_in.plot = colourful
    out, _ = spawn("run", "payments/drain-worker", "-f").communicate(timeout=20)
    assert out == b"\x1b[32mgreen\x1b[0m\x1b[2J\x1b]0;title\x07 real\rfake\n"


def test_a_terminal_gets_colours_and_nothing_else(signed_in: Server, spawn: Spawn) -> None:
    signed_in.plot = colourful
    code, shown = on_a_terminal(spawn, "run", "payments/drain-worker", "-f")
    assert code == 5
    assert b"\x1b[32mgreen\x1b[0m real\nfake\n" in shown
    assert b"\x1b[2J" not in shown
    assert b"title" not in shown


def test_no_color_means_none(signed_in: Server, spawn: Spawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    signed_in.plot = colourful
    for words in (
        ["run", "payments/drain-worker", "-f"],
        ["runs", "list"],
        ["runbook", "view", "payments/drain-worker"],
    ):
        _, shown = on_a_terminal(spawn, *words)
        assert b"\x1b[3" not in shown, shown
    assert b"green real" in on_a_terminal(spawn, "runs", "follow", "run-1")[1]


def test_tables_have_a_head_on_a_terminal_only(signed_in: Server, spawn: Spawn) -> None:
    _, shown = on_a_terminal(spawn, "runbook", "list")
    assert b"RUNBOOK" in shown
    assert b"\x1b[2J" not in shown


def test_a_reader_that_leaves_causes_no_traceback(signed_in: Server, spawn: Spawn) -> None:
    def flood(run: Run) -> None:
        run.become("running")
        for _ in range(200):
            run.write(b"x" * 10_000 + b"\n")

    signed_in.plot = flood
    process = spawn("run", "payments/drain-worker", "-f")
    assert process.stdout
    assert process.stderr
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(20) == 125
    assert b"Traceback" not in (said := process.stderr.read()), said
    assert b"Exception ignored" not in said


def test_a_full_disk_is_125(signed_in: Server, spawn: Spawn) -> None:
    with open("/dev/full", "wb") as full:
        process = spawn("run", "payments/drain-worker", "-f", stdout=full)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 125
    assert b"No space left" in err


def test_a_token_is_asked_for_without_showing_it(server: Server, spawn: Spawn) -> None:
    code, shown = on_a_terminal(spawn, "login", server.url, typed=TOKEN.encode() + b"\n")
    assert code == 0, shown
    assert b"as runner" in shown
    assert TOKEN.encode() not in shown


def test_help_loads_no_network_library() -> None:
    loaded = _modules_after("--help")
    assert not loaded & {"httpx", "keyring", "rich.console", "ruamel.yaml", "runbooks.cli.client", "django"}


def test_a_simple_command_loads_only_what_it_needs() -> None:
    loaded = _modules_after("whoami", "--help")
    assert not loaded & {"keyring", "rich.markdown", "ruamel.yaml", "jsonschema", "django"}


def _modules_after(*words: str) -> set[str]:
    code = "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    code += "from runbooks.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_nothing_else_of_this_tree_is_loaded_but_for_a_try() -> None:
    code = "import sys, pkgutil, importlib, runbooks.cli.commands as c\n"
    code += "names = {m.name for m in pkgutil.iter_modules(c.__path__)} - {'try_here'}\n"
    code += "[importlib.import_module(f'{c.__name__}.{name}') for name in names]\n"
    code += "print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "runbooks.cli.follow" in loaded
    ours = {name for name in loaded if name.startswith(("runbooks.", "opsaas", "django"))}
    alone = {"runbooks.audit", "runbooks.audit.verifier"}  # one file that needs nothing of the tree
    assert {name for name in ours if not name.startswith("runbooks.cli")} == alone


def test_a_try_loads_nothing_of_the_server_and_no_network_library() -> None:
    loaded = _modules_after("try", "--help")
    assert "runbooks.execution.local" in loaded
    rooms = {name.split(".")[1] for name in loaded if name.startswith("runbooks.")}
    assert rooms == {"cli", "domain", "execution"}
    assert not loaded & {"django", "httpx", "keyring", "paramiko", "celery"}


def test_the_command_is_a_module_too() -> None:
    done = subprocess.run([*COMMAND, "--version"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip()
