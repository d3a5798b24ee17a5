"""`make bench ARGS=ssh`: a line of shell on many nodes, through the executor and through the whole system, beside
`ansible -m raw` with as many forks on the same nodes in the same minute, and beside a bare loop of paramiko's own.

50 nodes are an sshd each, 1,000 are addresses of the tests' server. `ARGS="ssh 5 100"` takes other numbers, 0 leaves a
part out. CPU is that of the side that controls, never that of the nodes, which are on this machine too.
"""

import base64
import functools
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import paramiko

from runbooks.domain.ports import OutcomeKind, Target
from runbooks.execution.ssh import keys as ssh_keys
from runbooks.execution.ssh.executor import SshExecutor
from tests.bench.ansible import ansible
from tests.bench.fleets import addresses, daemons
from tests.bench.showing import cpu_seconds_of
from tests.execution.helpers import HeldLease, Sink, work
from tests.installation import Client, Installation, installation
from tests.vetted import Vetted

FORKS = 20
REAL, MANY = 50, 1000
PATIENCE_SECONDS = 1800.0


def main(real: int = REAL, many: int = MANY) -> None:
    allow_files(500 + 4 * max(real, many))
    if real:
        with daemons(real) as targets:
            compare(f"{real} nodes, an sshd each", targets)
    if many:
        with addresses(many) as targets:
            compare(f"{many} nodes, the tests' server", targets)


def allow_files(count: int) -> None:
    """For this process and those that it starts: a listening socket and a connection for each node, and more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        sys.exit(f"{count} open files are needed, and {hard} are allowed here: see `ulimit -Hn`.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def compare(name: str, targets: Sequence[Target]) -> None:
    """Twice each: with connections to be made, and with those that are kept."""
    print(f"{name}; {FORKS} at once")
    show = functools.partial(shown, len(targets))
    show("raw paramiko", own_cpu, lambda: spread(raw, targets))
    with ansible(targets, forks=FORKS) as peer:
        if peer is not None:
            show("ansible -m raw", peer.used, peer.once)
            show("ansible -m raw, again", peer.used, peer.once)
    with SshExecutor(most_idle=len(targets)) as executor:
        show("executor", own_cpu, lambda: spread(script(executor), targets))
        show("executor, again", own_cpu, lambda: spread(script(executor), targets))
    with installation(OPSAAS_LOG_LEVEL="ERROR") as system:
        through_the_system(system, targets, show)


def through_the_system(system: Installation, targets: Sequence[Target], show: Callable[..., None]) -> None:
    project, client = Vetted(system), system.client("runner")
    project.nodes({target.name: target for target in targets}, fetch=False)
    fleet = {"select": "fleet", "in_flight": FORKS}
    runbook = project.runbook("fleet", "echo hello", targets=fleet)
    client.finished(client.start(project.runbook("warm", "echo hello")))
    worker = system.pid_of("celeryd: ")
    for again in ("", ", again"):
        before = whole_cpu(system)
        show(
            f"the whole system{again}: the worker's CPU", lambda: cpu_seconds_of(worker), lambda: once(client, runbook)
        )
        rest = (whole_cpu(system) - before) / len(targets) * 1000
        print(f"    {f'of all processes on {system.engine}':60} {rest:32.1f} ms of CPU a node")


def once(client: Client, runbook: str) -> None:
    run_id = client.start(runbook)
    run = client.finished(run_id, every=0.05, seconds=PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run


def whole_cpu(system: Installation) -> float:
    return sum(cpu_seconds_of(pid) for pid in system.processes())


def spread(act: Callable[[Target], None], targets: Sequence[Target]) -> None:
    with ThreadPoolExecutor(FORKS) as threads:
        list(threads.map(act, targets))


def raw(target: Target) -> None:
    client = paramiko.SSHClient()
    for line in target.host_keys:
        kind, blob = line.split()
        found = f"[{target.host}]:{target.port}"
        client.get_host_keys().add(found, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(blob)))
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


def shown(count: int, what: str, used: Callable[[], float], act: Callable[[], None]) -> None:
    cpu, begun = used(), time.perf_counter()
    act()
    wall = time.perf_counter() - begun
    cost = (used() - cpu) / count * 1000
    print(f"    {what:48} {wall:7.2f} s   {wall / count * 1000:7.1f} ms and {cost:6.1f} ms of CPU a node", flush=True)


def own_cpu() -> float:
    """CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
