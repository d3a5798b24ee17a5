"""`python -m tests.bench.ssh`: what a script on a node costs the worker, beside a bare loop of paramiko's own.

50 sessions over a real sshd, each on a connection of its own, and 1,000 nodes through the server of the tests, which
runs in a process of its own so that its work is not counted. Prints; never judges.
"""

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import paramiko

from runbooks.domain.ports import OutcomeKind, Target
from runbooks.execution import ssh_keys
from runbooks.execution.ssh import SshExecutor
from tests.execution.helpers import HeldLease, Sink, work
from tests.execution.ssh_servers import SSHD, Server, Sshd

AT_ONCE = 20
REAL, MANY = 50, 1000


def main() -> None:
    if SSHD.exists():
        with Sshd(Path(tempfile.mkdtemp(prefix="opsaas-bench-"))) as sshd:
            compare("sshd", apart(sshd.target, REAL))
    with served() as target:
        compare("the tests' server", apart(target, MANY))


def compare(name: str, targets: Sequence[Target]) -> None:
    show(f"{len(targets)} nodes, {name}: raw paramiko", len(targets), lambda: spread(raw, targets))
    with SshExecutor() as executor:
        show(f"{len(targets)} nodes, {name}: SshExecutor", len(targets), lambda: spread(script(executor), targets))
        print(f"    threads afterwards: {threading.active_count()}")
        show(
            f"{len(targets[:REAL])} of them again, connections kept",
            len(targets[:REAL]),
            lambda: spread(script(executor), targets[-REAL:]),
        )


def apart(target: Target, count: int) -> list[Target]:
    """As many nodes, none of which shares a connection with another; the key needs no password, so any will do."""
    return [replace(target, name=f"node{number}", password=f"{number}") for number in range(count)]


def spread(act: Callable[[Target], None], targets: Sequence[Target]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(act, targets))


def raw(target: Target) -> None:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.WarningPolicy)
    key = ssh_keys.private_key(target.private_key, "")
    client.connect(target.host, target.port, target.user, pkey=key, allow_agent=False, look_for_keys=False)
    try:
        _, out, _ = client.exec_command("echo hello")
        assert out.read() == b"hello\n"
    finally:
        client.close()


def script(executor: SshExecutor) -> Callable[[Target], None]:
    def run(target: Target) -> None:
        sink = Sink()
        outcome = executor.execute(work=work("echo hello", target=target), sink=sink, lease=HeldLease())
        assert (outcome.kind, sink.text) == (OutcomeKind.EXITED, "hello\n"), outcome

    return run


def show(what: str, count: int, act: Callable[[], None]) -> None:
    cpu, begun = used(), time.perf_counter()
    act()
    wall = time.perf_counter() - begun
    cost = (used() - cpu) / count * 1000
    print(f"{what:64} {wall:7.2f} s   {wall / count * 1000:7.1f} ms and {cost:6.1f} ms of CPU a node", flush=True)


def used() -> float:
    """CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class served:  # noqa: N801 (read as a word)
    """The server of the tests in a process of its own."""

    def __enter__(self) -> Target:
        command = [sys.executable, "-m", "tests.bench.ssh", "serve"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        fields = json.loads(self._process.stdout.readline())
        return Target(**{**fields, "host_keys": tuple(fields["host_keys"])})

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def serve() -> None:
    with Server() as server:
        print(json.dumps(asdict(server.target)), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
