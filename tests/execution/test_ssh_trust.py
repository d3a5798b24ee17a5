"""Which machines are believed, and who is let in: only what the Target says."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from runbooks.domain.ports import NotSeen, Outcome, OutcomeKind, StopReason, Target
from runbooks.execution.ssh.attempt import Patience
from runbooks.execution.ssh.connect import Timeouts
from runbooks.execution.ssh.executor import SshExecutor
from tests.execution.helpers import HeldLease, Running, Sink, wait_until, work
from tests.execution.ssh_servers import PASSWORD, Server, new_key, private, public


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def executor() -> Iterator[SshExecutor]:
    quick = Timeouts(connect=2.0, banner=1.0, handshake=2.0, sign_in=2.0)
    with SshExecutor(timeouts=quick) as started:
        yield started


def hello(executor: SshExecutor, target: Target) -> tuple[Outcome, str]:
    sink = Sink()
    outcome = executor.execute(work=work("echo hello", target=target), sink=sink, lease=HeldLease())
    return outcome, sink.text


def refused(executor: SshExecutor, target: Target, words: str) -> Outcome:
    outcome, said = hello(executor, target)
    assert (outcome.kind, said) == (OutcomeKind.NOT_STARTED, "")
    assert words in outcome.detail
    return outcome


def test_an_unknown_machine_is_refused_and_its_key_shown(executor: SshExecutor, server: Server) -> None:
    outcome = refused(executor, replace(server.target, host_keys=()), "is not known yet")
    [line] = server.target.host_keys
    assert outcome.host_key is not None
    assert (outcome.host_key.key, outcome.host_key.name, outcome.host_key.port) == (line, "web1", server.port)
    assert outcome.host_key.fingerprint == server.host_keys[0].get_fingerprint()
    assert f"ssh-ed25519 {outcome.host_key.fingerprint}" in outcome.detail


def test_a_changed_key_is_refused_and_both_are_shown(executor: SshExecutor, server: Server) -> None:
    other = new_key()
    outcome = refused(executor, replace(server.target, host_keys=(public(other),)), "is another machine")
    assert other.get_fingerprint() in outcome.detail
    assert server.host_keys[0].get_fingerprint() in outcome.detail
    assert outcome.host_key is not None


def test_nothing_is_sent_to_a_machine_that_is_not_known(executor: SshExecutor, server: Server) -> None:
    before = len(server.commands)
    refused(executor, replace(server.target, host_keys=(), private_key="", password=PASSWORD), "is not known yet")
    assert len(server.commands) == before


def test_the_pinned_kind_of_key_is_asked_for() -> None:
    keys = [new_key(), new_key("ecdsa-sha2-nistp256"), asyncssh.generate_private_key("ssh-rsa", key_size=2048)]
    with Server() as several, SshExecutor() as executor:
        several.close()
        several.host_keys = keys
        several.open()
        for key in keys:
            target = replace(several.target, host_keys=(public(key) + " root@web1",))
            assert hello(executor, target)[1] == "hello\n"


def test_a_server_without_strict_key_exchange_is_refused(
    executor: SshExecutor, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncssh.connection.SSHConnection, "_get_extra_kex_algs", lambda self: [])
    refused(executor, server.target, "does not offer strict key exchange")


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp384", "ssh-rsa"])
@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
def test_keys_of_every_kind_and_form_let_in(executor: SshExecutor, server: Server, kind: str, form: str) -> None:
    server.key = asyncssh.generate_private_key(kind)
    text = server.key.export_private_key(form).decode()
    assert hello(executor, replace(server.target, private_key=text))[1] == "hello\n"


@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
def test_a_key_with_a_password_needs_it(executor: SshExecutor, server: Server, form: str) -> None:
    server.key = new_key("ecdsa-sha2-nistp256")
    text = server.key.export_private_key(form, passphrase="sesame").decode()
    assert hello(executor, replace(server.target, private_key=text, password="sesame"))[1] == "hello\n"
    refused(executor, replace(server.target, private_key=text), "password, and that is missing or wrong")
    refused(
        executor, replace(server.target, private_key=text, password="salt"), "password, and that is missing or wrong"
    )


def test_a_password_lets_in(executor: SshExecutor, server: Server) -> None:
    assert hello(executor, replace(server.target, private_key="", password=PASSWORD))[1] == "hello\n"


def test_the_wrong_means_are_refused(executor: SshExecutor, server: Server) -> None:
    target = server.target
    refused(executor, replace(target, private_key="", password="wrong"), "refused the password of operator")
    refused(executor, replace(target, private_key=private(new_key())), "refused the key of operator")
    refused(executor, replace(target, private_key="", password=""), "neither a key nor a password")
    refused(executor, replace(target, private_key="nonsense"), "no private key in OpenSSH or PEM form")
    refused(executor, replace(target, user="root"), "refused the key of root")


def test_no_secret_is_in_any_message(executor: SshExecutor, server: Server) -> None:
    target = replace(server.target, private_key="", password="hunter2-hunter2")
    outcome = refused(executor, target, "refused")
    assert "hunter2" not in repr((outcome, target, work("", target=target, secrets={"A": "hunter2"})))


def test_neither_agent_nor_home_is_used(
    executor: SshExecutor, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519").write_text(private(server.key))
    (tmp_path / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{server.port} {server.target.host_keys[0]}\n")
    (tmp_path / ".ssh/config").write_text("Host *\n  ProxyCommand touch %d/touched\n  User operator\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    refused(executor, replace(server.target, host_keys=()), "is not known yet")
    refused(executor, replace(server.target, private_key="", password="wrong"), "refused")
    assert not (tmp_path / "touched").exists()


def test_a_machine_that_is_not_there_is_named(executor: SshExecutor, server: Server) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused(
            executor, replace(server.target, port=unused.getsockname()[1]), "could not be reached: Connection refused"
        )
    refused(executor, replace(server.target, host="no-such-host.invalid"), "is not known")


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_a_server_that_says_nothing_is_given_up(executor: SshExecutor, server: Server, mute: socket.socket) -> None:
    refused(executor, replace(server.target, port=mute.getsockname()[1]), "did not answer as an SSH server")


def test_a_cancel_does_not_wait_for_a_server_that_says_nothing(server: Server, mute: socket.socket) -> None:
    with SshExecutor() as executor:
        run = Running(executor, work("echo hello", target=replace(server.target, port=mute.getsockname()[1])))
        with mute.accept()[0]:
            run.lease.end(StopReason.CANCELLED)
            outcome = run.outcome(within=5)
    assert (outcome.kind, outcome.stop_reason) == (OutcomeKind.STOPPED, StopReason.CANCELLED)


def test_a_jump_host_is_recognised_by_its_own_key(executor: SshExecutor, server: Server) -> None:
    with Server() as gate:
        jump = replace(gate.target, name="gate")
        assert hello(executor, replace(server.target, jump=jump))[1] == "hello\n"
        assert (gate.accepted, gate.commands) == (1, [])
        outcome = refused(executor, replace(server.target, jump=replace(jump, host_keys=())), "gate (127.0.0.1")
        assert outcome.host_key is not None
        assert (outcome.host_key.name, outcome.host_key.port) == ("gate", gate.port)
        outcome = refused(executor, replace(server.target, jump=jump, host_keys=()), "web1 (127.0.0.1")
        assert outcome.host_key is not None
        assert outcome.host_key.port == server.port


def test_a_cut_jump_host_is_a_cut_link(executor: SshExecutor, server: Server) -> None:
    with Server() as gate:
        target = replace(server.target, jump=replace(gate.target, name="gate"))
        run = Running(executor, work("echo ready; sleep 60", target=target))
        run.until_it_says("ready")
        gate.cut()
        assert run.outcome().kind is OutcomeKind.VANISHED
        assert hello(executor, target)[1] == "hello\n"


def test_what_start_up_files_print_is_no_output(executor: SshExecutor, tmp_path: Path) -> None:
    noisy = tmp_path / "noisy"
    noisy.write_text('#!/bin/sh\necho Welcome; echo oh dear >&2; sleep 0.3\nshift; exec sh -c "$1"\n')
    noisy.chmod(0o755)
    with Server(login_shell=(str(noisy), "-c")) as server:
        outcome, said = hello(executor, server.target)
        assert (outcome.exit_code, said) == (0, "hello\n")


def test_start_up_files_that_wait_are_given_up(tmp_path: Path) -> None:
    waiting = ("sh", "-c", "sleep 5; exit", "-c")
    with Server(login_shell=waiting) as server, SshExecutor(patience=Patience(start=0.5)) as executor:
        refused(executor, server.target, "start-up files")


@pytest.mark.parametrize("shell", ["csh", "tcsh", "fish", "zsh", "mksh"])
def test_other_login_shells_are_taken(executor: SshExecutor, shell: str) -> None:
    if subprocess.run(["which", shell], capture_output=True, check=False).returncode:
        pytest.skip(f"{shell} is not installed")
    with Server(login_shell=(shell, "-c")) as server:
        assert hello(executor, server.target)[1] == "hello\n"


def test_no_thread_and_no_descriptor_is_left(server: Server) -> None:
    def left() -> tuple[list[str], int]:
        threads = [thread.name for thread in threading.enumerate() if type(thread).__name__ == "_Transport"]
        threads += [thread.name for thread in threading.enumerate() if thread.name.startswith("opsaas-ssh")]
        links = [os.readlink(path) for path in map(str, Path("/proc/self/fd").iterdir()) if os.path.lexists(path)]
        return threads, links.count("anon_inode:[eventfd]")

    wait_until(lambda: not left()[0])  # of tests before
    before = left()
    with SshExecutor() as executor:
        for _ in range(3):
            hello(executor, server.target)
            refused(executor, replace(server.target, user="nobody"), "refused")
        assert left()[0]
    wait_until(lambda: left() == before)


def test_the_key_of_a_machine_is_shown_without_a_sign_in(executor: SshExecutor, server: Server) -> None:
    before = len(server.commands)
    for pinned in ((), server.target.host_keys, (public(new_key()),)):
        seen = executor.host_key(replace(server.target, host_keys=pinned, private_key="", password=""))
        assert (seen.key, seen.fingerprint) == (server.target.host_keys[0], server.host_keys[0].get_fingerprint())
    assert len(server.commands) == before
    wait_until(lambda: not server.connections)


def test_the_key_of_a_machine_behind_another_is_shown(executor: SshExecutor, server: Server) -> None:
    with Server() as inner:
        seen = executor.host_key(replace(inner.target, host_keys=(), private_key="", jump=server.target))
        assert seen.key == inner.target.host_keys[0]
        unknown = replace(server.target, host_keys=())
        with pytest.raises(NotSeen, match="is not known yet"):
            executor.host_key(replace(inner.target, jump=unknown))


def test_where_no_node_can_be_nothing_is_sent(executor: SshExecutor, server: Server) -> None:
    """Such as where a cloud tells a machine its secrets."""
    for host in ("169.254.169.254", "0.0.0.0", "224.0.0.1", "::ffff:169.254.169.254", "2852039166", "fd00:ec2::254"):
        refused(executor, replace(server.target, host=host), "where no node can be")
    for host in ("169.254.169.254", "::ffff:169.254.169.254"):
        refused(executor, replace(server.target, host=host, jump=server.target), "where no node can be")


def test_what_another_kind_of_server_says_is_nobodys_concern(executor: SshExecutor, server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talk = threading.Thread(target=lambda: listener.accept()[0].sendall(b"-ERR the secret is 42\r\n" * 200))
        talk.start()
        outcome = refused(executor, replace(server.target, port=listener.getsockname()[1]), "as an SSH server")
        talk.join()
    assert "42" not in outcome.detail
