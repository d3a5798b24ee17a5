"""Machines to measure with, all of them this one: an sshd for each, or many addresses of the tests' own server."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from runbooks.domain.ports import Target
from tests.execution.ssh_servers import SSHD, Server, Sshd

A_NET = 250  # of loopback addresses


@contextmanager
def daemons(count: int) -> Iterator[list[Target]]:
    """Each an OpenSSH server of its own; all let in by one key."""
    if not SSHD.exists():
        sys.exit(f"{SSHD} is missing: install the Debian package openssh-server.")
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory(prefix="opsaas-bench-") as folder:
        servers: list[Sshd] = []
        for number in range(count):
            server = Sshd(Path(folder) / f"node{number}")
            servers.append(server)
            server.let_in(servers[0].key)
            stack.enter_context(server)
        yield [replace(one.target, name=f"node{number}") for number, one in enumerate(servers)]


@contextmanager
def addresses(count: int) -> Iterator[list[Target]]:
    """The tests' server, in a process of its own so that its work is not counted, at as many loopback addresses."""
    command = [sys.executable, "-m", "tests.bench.fleets", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        fields = json.loads(process.stdout.readline())
        target = Target(**{**fields, "host_keys": tuple(fields["host_keys"])})
        yield [replace(target, name=f"node{number}", host=host) for number, host in enumerate(hosts(count))]
        process.communicate()


def hosts(count: int) -> list[str]:
    return [f"127.0.{number // A_NET}.{number % A_NET + 1}" for number in range(count)]


def serve(count: int) -> None:
    with Server(hosts=hosts(count)) as server:
        print(json.dumps(asdict(server.target)), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
