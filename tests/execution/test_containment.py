"""What a script can do to the machine, by the way it is kept from it: each deed is really tried."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbooks.domain.ports import Containment, Level, Outcome, OutcomeKind
from runbooks.execution import folder
from runbooks.execution.containment.ladder import LEVELS, counts_processes
from runbooks.execution.containment.users import NoUser, ScriptUser
from runbooks.execution.local import LocalExecutor
from runbooks.execution.recipes import HOST, LANDLOCK, ROOTED, ROOTLESS, USER, WITH_A_USER, WITH_NAMESPACES
from tests.execution.helpers import HeldLease, Running, Sink, work

# Each prints "done" if it succeeds.
DEEDS = {
    "read the key of the app": 'cat "$DATA/secret-key" && echo done',
    "list the folder of the app": 'ls "$DATA" && echo done',
    "read the environment of another process": 'grep -aq hush "/proc/$BYSTANDER/environ" && echo done',
    "find a secret in any process": "grep -aqs SECRET_KEY=hush /proc/*/environ && echo done",
    "read the memory of another process": 'head -c 1 "/proc/$BYSTANDER/mem" 2>&1 | grep -q output && echo done',
    "end another process": 'kill -0 "$BYSTANDER" && echo done',
    "read the folder of another run": 'cat "$HOME/../other/output" && echo done',
    "list the runs": 'ls "$HOME/.." | grep -q other && echo done',
    "connect to a socket in the app's folder": """exec python3 -c '
import os, socket
socket.socket(socket.AF_UNIX).connect(os.environ["DATA"] + "/broker.sock"); print("done")'""",
    "connect to an abstract socket": """exec python3 -c '
import os, socket
socket.socket(socket.AF_UNIX).connect("\\0" + os.environ["OPSAAS_PARAM_ABSTRACT"]); print("done")'""",
    "write into the system": 'touch "/usr/local/opsaas-was-here" && rm "/usr/local/opsaas-was-here" && echo done',
    "read a shadow file": "head -c 1 /etc/shadow && echo done",
    "mount something": "mount -t tmpfs none /mnt && umount /mnt && echo done",
    "make the system writable": "mount -o remount,rw,bind /usr && touch /usr/local/x && rm /usr/local/x && echo done",
}
# What is not promised at a level: `docs/containment.md` says the same.
OPEN = {
    HOST: set(DEEDS) - {"make the system writable"},
    LANDLOCK: {"connect to a socket in the app's folder"},
    USER: set(),
    ROOTLESS: set(),
    ROOTED: set(),
}


@pytest.fixture(scope="module")
def data(passable_folder: Path) -> Iterator[Path]:
    """The app's folder, as the worker's user has it."""
    made = passable_folder / "data"
    made.mkdir(mode=0o700)
    (made / "secret-key").write_text("hush")
    (made / "secret-key").chmod(0o600)
    with socket.socket(socket.AF_UNIX) as broker, socket.socket(socket.AF_UNIX) as abstract:
        broker.bind(str(made / "broker.sock"))
        broker.listen(9)
        abstract.bind("\0" + str(made))
        abstract.listen(9)
        yield made


@pytest.fixture(scope="module")
def bystander() -> Iterator[int]:
    """A process of the worker's user, with a secret in its environment."""
    with subprocess.Popen(["sleep", "600"], env={"SECRET_KEY": "hush"}) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def other_run(executor: LocalExecutor, base_folder: Path) -> Iterator[None]:
    other = base_folder / "other"
    other.mkdir(mode=0o700)
    (other / "output").write_text("hush")
    yield
    folder.remove(str(other))


@pytest.mark.usefixtures("other_run")
@pytest.mark.parametrize("deed", DEEDS)
def test_harm_is_done_only_where_it_is_not_promised_away(
    executor: LocalExecutor, recipe: str, data: Path, bystander: int, deed: str
) -> None:
    if os.geteuid() != 0 and recipe == HOST:
        pytest.skip("what an ordinary user may do depends on the machine")
    script = f"DATA={data} BYSTANDER={bystander}; export DATA; {DEEDS[deed]}"
    outcome, text = run(executor, script, parameters={"abstract": str(data)})
    assert (text.endswith("done\n"), outcome.level) == (deed in OPEN[recipe], LEVELS[recipe]), text


def test_a_contained_script_has_no_power_and_gets_none(executor: LocalExecutor, recipe: str) -> None:
    if recipe == HOST:
        pytest.skip("it has those of the worker")
    _, text = run(executor, "grep -E '^(Cap|NoNew)' /proc/self/status")
    found = dict(line.split(":\t") for line in text.splitlines())
    assert found.pop("NoNewPrivs") == "1"
    if os.geteuid() != 0 and recipe == LANDLOCK:
        del found["CapBnd"]  # only root can give this up; nothing new can be had anyway
    assert {name: int(value, 16) for name, value in found.items()} == dict.fromkeys(found, 0)


def test_a_script_that_dies_leaves_no_dump_of_its_secrets(executor: LocalExecutor) -> None:
    _, text = run(executor, "ulimit -c; ulimit -Hc")
    assert text.split() == ["0", "0"]


def test_a_script_is_never_the_first_process(executor: LocalExecutor) -> None:
    _, text = run(executor, "echo $$")
    assert int(text) > 1


FULL_ONLY = {
    "sees no process but its own": "[ $(ls /proc | grep -c '^[0-9]') -le 5 ] && echo done",
    "can't look into the first process": """
        ! readlink /proc/1/fd/1 && ! cat /proc/1/environ && ! head -c 1 /proc/1/mem && echo done""",
    "can't get out by another's root": '! ls "/proc/1/root"/boot && ! ls "/proc/self/root"/boot && echo done',
    "can't end the first process": "kill -KILL 1; kill -TERM 1; sleep 0.1; echo done",
    "finds an empty machine": "! ls -d /root /home /opt /srv /mnt /sys /boot /run/* 2>/dev/null && echo done",
    "can't write into its root": "! touch /x && ! mkdir /root && ! touch /etc/x && echo done",
    "has a /tmp of its own": 'echo x > /tmp/x && [ -s "$TMPDIR/x" ] && [ "$(ls -A /tmp | wc -l)" = 1 ] && echo done',
    "has shared memory": "echo x > /dev/shm/x && echo done",
    "has devices": "head -c 9 /dev/urandom > /dev/null && echo x > /dev/null && ! echo x > /dev/full && echo done",
    "can't make devices": "! mknod sda b 8 0 && ! mknod /tmp/sda b 8 0 && echo done",
    "has no keys of the machine": "! ls /etc/ssl/private/* && ! ls /etc/ssh/*_key && echo done",
    "knows its own name": """
        [ -n "$(id -un)" ] && [ -n "$(python3 -c 'import getpass; print(getpass.getuser())')" ] && echo done""",
    "finds names of hosts": "getent hosts localhost && echo done",
    "finds certificates": 'python3 -c "import ssl; assert ssl.create_default_context().get_ca_certs()" && echo done',
    "knows the time zone and the locale": "date +%Z && locale -a | grep -qi utf && echo done",
    "opens terminals": "python3 -c 'import pty; assert pty.spawn([\"true\"]) == 0' && echo done",
    "works in pools": """
        python3 -c 'from multiprocessing import Pool; assert Pool(2).map(abs, [-1]) == [1]' && echo done""",
}


@pytest.mark.parametrize("promise", FULL_ONLY)
def test_a_script_with_a_root_of_its_own(executor: LocalExecutor, recipe: str, promise: str) -> None:
    if recipe not in WITH_NAMESPACES:
        pytest.skip("promised at the level full")
    outcome, text = run(executor, FULL_ONLY[promise])
    assert text.endswith("done\n"), (text, outcome)


def test_a_script_cannot_rise_in_namespaces_of_its_own(executor: LocalExecutor, recipe: str) -> None:
    if recipe != ROOTLESS:
        pytest.skip("elsewhere a script may do what every user of the machine may")
    outcome, text = run(executor, "unshare -Ur true")
    assert outcome.exit_code != 0, text


def test_each_script_has_a_user_of_its_own(executor: LocalExecutor, recipe: str) -> None:
    if recipe not in WITH_A_USER:
        pytest.skip("only where the worker is root")
    runs = [Running(executor, work("id -u; sleep 2")) for _ in range(3)]
    assert {entry.outcome().exit_code for entry in runs} == {0}
    numbers = {int(entry.sink.text) for entry in runs}
    assert len(numbers) == 3
    assert min(numbers) >= 2_000_000_000


def test_users_are_given_once_and_come_back() -> None:
    first = ScriptUser(2_100_000_000, 2_100_000_000)
    with pytest.raises(NoUser, match="OPSAAS_SCRIPT_USERS"):
        ScriptUser(2_100_000_000, 2_100_000_000)
    del first
    assert ScriptUser(2_100_000_000, 2_100_000_000).number == 2_100_000_000


def test_without_network_there_is_only_a_loopback(executor: LocalExecutor, recipe: str) -> None:
    alone = Containment(network=False)
    script = """
import socket
print([name for _, name in socket.if_nameindex()])
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()); print("to itself")
try: socket.create_connection(("127.0.0.1", 5432))
except OSError as error: print(error.strerror)
try: socket.create_connection(("192.0.2.1", 80), 1)
except OSError as error: print(error.strerror)
"""
    sink = Sink()
    outcome = executor.execute(work=work(script, "python3", containment=alone), sink=sink, lease=HeldLease())
    if recipe in WITH_NAMESPACES:
        assert sink.text == "['lo']\nto itself\nConnection refused\nNetwork is unreachable\n"
    else:
        assert outcome.kind is OutcomeKind.NOT_STARTED
        assert "without network needs the containment level full" in outcome.detail


LIMITS = {
    "cpu_seconds": (1, "while :; do :; done"),
    "memory_bytes": (200_000_000, "python3 -c 'bytearray(400_000_000)'"),
    "processes": (20, "for i in $(seq 30); do sleep 5 & done; wait"),
    "open_files": (32, "python3 -c 'import os; [os.dup(1) for _ in range(40)]'"),
    "file_bytes": (1000, "head -c 2000 /dev/zero > $HOME/file"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_kept(executor: LocalExecutor, recipe: str, name: str) -> None:
    if name == "processes" and not counts_processes(recipe):
        pytest.skip("processes are counted for a user, so it has to be the script's own")
    value, script = LIMITS[name]
    sink = Sink()
    piece = work(script, containment=Containment(**{name: value}))  # type: ignore[arg-type]
    outcome = executor.execute(work=piece, sink=sink, lease=HeldLease())
    assert (outcome.kind, outcome.exit_code == 0) == (OutcomeKind.EXITED, False), sink.text
    free = executor.execute(work=work(script, timeout_seconds=1.5), sink=Sink(), lease=HeldLease())
    assert free.exit_code == 0 or free.kind is OutcomeKind.TIMED_OUT


def test_a_limit_of_processes_that_cannot_be_kept_starts_nothing(executor: LocalExecutor, recipe: str) -> None:
    if counts_processes(recipe):
        pytest.skip("here it is kept")
    piece = work("echo x", containment=Containment(processes=9))
    sink = Sink()
    outcome = executor.execute(work=piece, sink=sink, lease=HeldLease())
    assert (outcome.kind, sink.text) == (OutcomeKind.NOT_STARTED, "")
    assert "A limit of processes needs the containment level full" in outcome.detail


def test_a_level_that_is_not_to_be_had_starts_nothing(tmp_path: Path) -> None:
    sink = Sink()
    with LocalExecutor(base_folder=tmp_path, recipes=(HOST,)) as executor:
        piece = work("echo x", containment=Containment(level=Level.FULL))
        outcome = executor.execute(work=piece, sink=sink, lease=HeldLease())
    assert (outcome.kind, outcome.level, sink.text) == (OutcomeKind.NOT_STARTED, None, "")
    assert "needs the containment level full, and this worker offers at most host" in outcome.detail


def test_an_interpreter_out_of_sight_is_named(
    passable_folder: Path, shared_executor: LocalExecutor, recipe: str
) -> None:
    if recipe not in WITH_NAMESPACES:
        pytest.skip("promised at the level full")
    tools = passable_folder / f"tools-{recipe}"
    tools.mkdir()
    (tools / "shell").write_text('#!/bin/sh\nexec sh "$@"\n')
    (tools / "shell").chmod(0o755)
    outcome, _ = run(shared_executor, "echo seen", interpreter=(str(tools / "shell"),))
    assert outcome.kind is OutcomeKind.NOT_STARTED
    assert "name its folder in OPSAAS_SCRIPT_SEES" in outcome.detail
    with LocalExecutor(base_folder=passable_folder / "seeing", recipes=(recipe,), sees=(str(tools),)) as executor:
        outcome, text = run(executor, f"echo seen; touch {tools}/x", interpreter=(str(tools / "shell"),))
    assert (outcome.kind, text.splitlines()[0], (tools / "x").exists()) == (OutcomeKind.EXITED, "seen", False)


def test_what_root_reads_for_a_script_has_to_be_the_scripts(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    layout = folder.Layout(root=str(tmp_path / "root"), script_name="main")
    folder.create(layout, script=b"", parameters=b"{}", files={})
    folder.give_to(layout, 2_000_000_000)
    assert folder.read_left_file(layout, layout.output, limit=99) == b""
    secret = tmp_path / "secret"
    secret.write_text("hush")
    os.unlink(layout.output)
    os.link(secret, layout.output)
    with pytest.raises(OSError, match="does not belong to the script"):
        folder.read_left_file(layout, layout.output, limit=99)


def run(executor: LocalExecutor, script: str, **changes: object) -> tuple[Outcome, str]:
    sink = Sink()
    outcome = executor.execute(work=work(script, **changes), sink=sink, lease=HeldLease())
    return outcome, sink.data.decode(errors="replace")
