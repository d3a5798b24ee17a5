"""`make bench`: what the main job costs, beside the raw loop of the same minute. Prints; never judges.

Other parts take minutes: `make bench ARGS=output` measures a run that writes 1 GiB, `ARGS=waiting` 500 scripts that
wait at once, `ARGS=queued` 10,000 queued runs (`ARGS="queued 1000"`: so many), `ARGS=ssh` a step on 50 and on
1,000 nodes, beside `ansible -m raw` (`ARGS="ssh 5 100"`: on so many), `ARGS=audit` writing the log and verifying it
(`ARGS="audit 5 10000"`: seconds of writing, events to verify).
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

from tests.bench import audit, load, output, ssh
from tests.bench.showing import pss_megabytes, show_times
from tests.installation import Client, Installation, installation
from tests.vetted import Vetted

SCRIPTS = {
    "hello": "echo hello",
    "slow": "echo begun; sleep 60",
    "big": f"yes {'x' * 80} | head -n 100000",
}
LATENCY_RUNS = 100
THROUGHPUT_RUNS = 200
CLIENTS = 8


def main() -> None:
    with installation(OPSAAS_LOG_LEVEL="ERROR") as system:
        print(f"opsaas on {system.engine}")
        project = Vetted(system)
        books = {slug: project.runbook(slug, script) for slug, script in SCRIPTS.items()}
        idle = pss_megabytes(system)
        client = system.client("runner")
        client.finished(client.start(books["hello"]))
        show_times("raw subprocess.run of sh -c 'echo hello'", raw_loop())
        one_run = timed(LATENCY_RUNS, lambda: client.finished(client.start(books["hello"])))
        show_times("POST -> finished, polled every 10 ms", one_run)
        show_times("POST -> first output visible", timed(30, lambda: first_output(client, books["slow"])))
        throughput(system, books["hello"])
        big_output(client, books["big"])
        print(f"{'idle memory, PSS of all processes':48} {sum(idle.values()):7.0f} MB")
        for title, megabytes in idle.items():
            print(f"    {title:44} {megabytes:7.0f} MB")


def raw_loop() -> list[float]:
    return timed(100, lambda: subprocess.run(["/bin/sh", "-c", "echo hello"], capture_output=True, check=True))


def timed(times: int, act: Callable[[], object]) -> list[float]:
    """Milliseconds of each."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        found.append((time.perf_counter() - begun) * 1000)
    return found


def first_output(client: Client, runbook: str) -> None:
    run_id = client.start(runbook)
    while not client.raw("GET", f"/runs/{run_id}/log")[1]:
        time.sleep(0.005)
    client("POST", f"/runs/{run_id}/cancel", {})


def throughput(system: Installation, runbook: str) -> None:
    """200 runs from 8 clients, until the last has ended: a ninth looks at the list of those that have not."""
    clients = [system.client("runner") for _ in range(CLIENTS)]
    observer = system.client("runner")
    begun = time.perf_counter()

    def work(client: Client) -> None:
        for _ in range(THROUGHPUT_RUNS // CLIENTS):
            client.start(runbook)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while observer("GET", f"/runs?runbook={runbook}&status=open&limit=1")["results"]:
        time.sleep(0.05)
    took = time.perf_counter() - begun
    ends = {run["status"] for run in observer("GET", f"/runs?runbook={runbook}&limit={THROUGHPUT_RUNS}")["results"]}
    assert ends == {"succeeded"}
    print(f"{'200 runs from 8 clients':48} {THROUGHPUT_RUNS / took:7.1f} runs/s")


def big_output(client: Client, runbook: str) -> None:
    run_id = client.start(runbook)
    begun = time.perf_counter()
    while len(client.raw("GET", f"/runs/{run_id}/log")[1]) < 100_000 * 81:
        time.sleep(0.02)
    print(f"{'100,000 lines of 80 characters, readable whole':48} {time.perf_counter() - begun:7.2f} s")
    raw = ["/bin/sh", "-c", SCRIPTS["big"]]
    begun = time.perf_counter()
    subprocess.run(raw, capture_output=True, check=True)
    print(f"{'    the same into a pipe, raw':48} {time.perf_counter() - begun:7.2f} s")


if __name__ == "__main__":
    part, *more = sys.argv[1:] or [""]
    if part == "output":
        output.main()
    elif part == "ssh":
        ssh.main(*map(int, more))
    elif part == "audit":
        audit.audit(*map(int, more))
    elif part in load.PARTS:
        load.PARTS[part](*map(int, more))
    else:
        main()
