"""`make bench ARGS=waiting` and `ARGS=queued`: what many runs at once cost.

waiting: so many scripts that sleep, and how long one more takes. queued: so many runs asked for while no worker takes
any, and how long they take to drain.
"""

import os
import signal
import threading
import time
from collections.abc import Callable

from tests.bench.showing import pss_megabytes, show_times
from tests.installation import Client, Installation, installation
from tests.vetted import Vetted

WAITING, QUEUED = 500, 10_000
CLIENTS = 8
PATIENCE_SECONDS = 1800.0


def waiting(most: int = WAITING) -> None:
    with installation(OPSAAS_WORKER_SLOTS=most + 100) as system:
        print(f"opsaas on {system.engine}")
        wait_at_once(system, most)


def queued(most: int = QUEUED) -> None:
    with installation() as system:
        print(f"opsaas on {system.engine}")
        drain(system, most)


PARTS: dict[str, Callable[..., None]] = {"waiting": waiting, "queued": queued}


def wait_at_once(system: Installation, most: int) -> None:
    project, client = Vetted(system), system.client("runner")
    sleeps, hello = project.runbook("sleeps", "exec sleep 3000"), project.runbook("hello", "echo hello")
    client.finished(client.start(hello))
    show_times("POST -> finished, nothing else runs", one_more(client, hello))
    before = pss_megabytes(system)
    clients = [system.client("runner") for _ in range(CLIENTS)]
    begun = time.perf_counter()
    run_ids = start_all(clients, sleeps, most)
    for run_id in run_ids:
        client.until({"running"}, run_id, seconds=PATIENCE_SECONDS)
    print(f"{f'{most} runs waiting at once, all started after':48} {time.perf_counter() - begun:7.1f} s")
    after = pss_megabytes(system)
    taken = sum(after.values()) - sum(before.values())
    print(f"{'    memory that they take, PSS of all processes':48} {taken:7.0f} MB")
    print(f"{'    of it the worker itself':48} {worker_of(after) - worker_of(before):7.0f} MB")
    show_times(f"    POST -> finished of run {most + 1}", one_more(client, hello))
    begun = time.perf_counter()
    for run_id in run_ids:
        client("POST", f"/runs/{run_id}/cancel", {})
    for run_id in run_ids:
        client.finished(run_id, every=0.1, seconds=PATIENCE_SECONDS)
    print(f"{'    all cancelled after':48} {time.perf_counter() - begun:7.1f} s")


def drain(system: Installation, most: int) -> None:
    project, client = Vetted(system), system.client("runner")
    hello = project.runbook("hello", "echo hello")
    client.finished(client.start(hello))
    clients, worker = [system.client("runner") for _ in range(CLIENTS)], system.pid_of("celeryd: ")
    times: list[float] = []
    os.kill(worker, signal.SIGSTOP)
    try:
        run_ids = start_all(clients, hello, most, times)
    finally:
        os.kill(worker, signal.SIGCONT)
    show_times(f"{most} queued: POST /runs, {CLIENTS} clients at once", times)
    begun = time.perf_counter()
    statuses = [client.finished(run_id, every=0.5, seconds=PATIENCE_SECONDS)["status"] for run_id in run_ids]
    took = time.perf_counter() - begun
    good = statuses.count("succeeded")
    print(f"{'    time to drain':48} {took:7.1f} s    {most / took:.1f} runs/s, {good} of {most} succeeded")


def start_all(clients: list[Client], runbook: str, most: int, times: list[float] | None = None) -> list[str]:
    """From all of them at once. TIMES gets the milliseconds of each request."""
    run_ids: list[str] = []

    def work(client: Client, count: int) -> None:
        for _ in range(count):
            begun = time.perf_counter()
            run_ids.append(client.start(runbook))
            if times is not None:
                times.append((time.perf_counter() - begun) * 1000)

    shares = [most // CLIENTS + (number < most % CLIENTS) for number in range(CLIENTS)]
    threads = [threading.Thread(target=work, args=pair) for pair in zip(clients, shares, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return run_ids


def one_more(client: Client, runbook: str) -> list[float]:
    found = []
    for _ in range(20):
        begun = time.perf_counter()
        client.finished(client.start(runbook))
        found.append((time.perf_counter() - begun) * 1000)
    return found


def worker_of(megabytes: dict[str, float]) -> float:
    return sum(size for title, size in megabytes.items() if "celeryd" in title)
