"""`make bench ARGS=output`: one run that writes 1 GiB in over ten million lines: what it and reading it cost."""

import contextlib
import hashlib
import http.client
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.installation import Client, Installation, installation
from tests.vetted import Vetted

LINES = 10_700_000
FORM = "%010.0f INFO  worker-7: request handled, path=/api/v1/items status=200 bytes=5120 took_ms=12 id="
SCRIPT = f"seq -f '{FORM}' {LINES}; echo the needle"
SEAL_SECONDS = 40
MEGABYTE = 1e6


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="opsaas-sealed-") as folder,
        installation(OPSAAS_SEAL_SECONDS=SEAL_SECONDS, OPSAAS_OUTPUT_DIR=folder) as system,
    ):
        print(f"opsaas on {system.engine}: {LINES:,} lines of {len(FORM) + 4} bytes")
        raw, digest, size = _raw()
        show("written into a pipe, raw", raw, size)
        runbook = Vetted(system).runbook("flood", SCRIPT, timeout="30m")
        client = system.client("runner")
        with watching(system, "worker") as worker, watching(system, "uvicorn") as web:
            run, took = timed(lambda: client.finished(client.start(runbook), every=0.5, seconds=1800))
        assert run["status"] == "succeeded", run
        assert run["output_complete"], run
        assert run["output_bytes"] == size, run
        show("through a worker into the database", took, size)
        print(f"{'    memory of the worker, before and most':48} {worker}")
        print(f"{'    memory of the web process meanwhile':48} {web}")
        reading(system, client, run["id"], digest=digest, size=size, form="rows")
        _, took = timed(lambda: _sealed(Path(folder)))
        packed = sum(path.stat().st_size for path in Path(folder).rglob("*.zst"))
        print(f"{'sealed':48} {took:7.1f} s after that, {packed / MEGABYTE:.0f} MB")
        time.sleep(5)
        reading(system, client, run["id"], digest=digest, size=size, form="sealed")


def reading(system: Installation, client: Client, run_id: str, *, digest: str, size: int, form: str) -> None:
    log = f"/runs/{run_id}/log"
    with watching(system, "uvicorn") as web:
        found, took = timed(lambda: _digest(system, client, log))
    assert found == digest, "the log is not what was written"
    show(f"read whole, {form}", took, size)
    print(f"{'    memory of the web process, before and most':48} {web}")
    for line in (1, LINES // 2, LINES):
        answer, took = timed(partial(client.raw, "GET", f"{log}?line={line}&limit=500"))
        assert answer[1].startswith(b"%010d " % line), answer[1][:200]
        print(f"{f'jump to line {line:,}, {form}':48} {took * 1000:7.0f} ms")
    searcher = system.client("runner")
    searcher.head["Accept"] = "application/json"
    pages, took = timed(lambda: list(_pages(searcher, f"{log}?q=NEEDLE")))
    assert [match["line"] for page in pages for match in page["results"]] == [LINES + 1]
    print(f"{f'search to the end, {form}':48} {took:7.1f} s in {len(pages)} looks")


def show(name: str, seconds: float, size: int) -> None:
    print(f"{name:48} {seconds:7.1f} s  {size / seconds / MEGABYTE:6.0f} MB/s", flush=True)


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    return act(), time.perf_counter() - begun


def _raw() -> tuple[float, str, int]:
    """The same script without opsaas: time, SHA-256 and length of what it writes."""
    begun, whole, size = time.perf_counter(), hashlib.sha256(), 0
    with subprocess.Popen(["/bin/sh", "-c", SCRIPT], stdout=subprocess.PIPE) as script:
        assert script.stdout
        while data := script.stdout.read(1 << 16):
            whole.update(data)
            size += len(data)
    return time.perf_counter() - begun, whole.hexdigest(), size


def _digest(system: Installation, client: Client, path: str) -> str:
    """Read piece by piece, so that the memory measured is the server's alone."""
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=600)
    connection.request("GET", f"/api/v1{path}", headers=client.head)
    answer, whole = connection.getresponse(), hashlib.sha256()
    while data := answer.read(1 << 20):
        whole.update(data)
    return whole.hexdigest()


def _pages(client: Client, path: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        page: dict[str, Any] = client("GET", f"{path}&cursor={cursor}")
        yield page
        cursor = page["next"]


def _sealed(folder: Path) -> None:
    while not list(folder.rglob("*.zst")):
        time.sleep(0.2)


class Memory:
    """Of one process, in MB."""

    def __init__(self, pid: int) -> None:
        self.pid, self.first, self.most = pid, 0.0, 0.0

    def look(self) -> None:
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        now = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
        self.first, self.most = self.first or now, max(self.most, now)

    def __str__(self) -> str:
        return f"{self.first:7.0f} MB, {self.most:.0f} MB"


@contextlib.contextmanager
def watching(system: Installation, title: str) -> Iterator[Memory]:
    """The largest process with that title: looked at twice a second."""
    pids = [pid for pid, name in system.processes().items() if title in name]
    sizes = {pid: Memory(pid) for pid in pids}
    for memory in sizes.values():
        memory.look()
    found, stop = max(sizes.values(), key=lambda memory: memory.first), threading.Event()

    def look() -> None:
        while not stop.wait(0.5):
            found.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()
