"""`make bench ARGS=audit`: what the log costs: events from many writers at once, and verifying a large one.

On the servers that OPSAAS_TEST_… name, else on embedded ones. `ARGS="audit 5 10000"`: so many seconds of writing, so
many events to verify.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runbooks.audit import verifier
from runbooks.domain.manifest import canonical
from runbooks.domain.merkle import leaf_hash
from runbooks.domain.signed_notes import checkpoint_body, new_signing_key, read_signing_key, signed
from tests.installation import HOME, installation

WRITERS, PROCESSES, SECONDS, EVENTS = 50, 5, 20, 1_000_000
PER_CHECKPOINT = 1000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def audit(seconds: int = SECONDS, events: int = EVENTS) -> None:
    appending(seconds)
    verifying(events)


def appending(seconds: int) -> None:
    """Each writer is a thread with a connection of its own, which records one event a transaction; in five processes,
    as an installation has several."""
    with installation() as system:
        print(f"opsaas on {system.engine}")
        command = [sys.executable, "-m", "tests.bench.audit_writers", str(WRITERS // PROCESSES), str(seconds)]
        started = [
            subprocess.Popen(command, cwd=HOME, env=system.environment, stdout=subprocess.PIPE, text=True)
            for _ in range(PROCESSES)
        ]
        told_by = [[float(word) for word in process.communicate()[0].split()] for process in started]
        rate = sum(written / took for written, took, _ in told_by)
        behind = max(later for *_, later in told_by)
        print(f"{f'events from {WRITERS} writers at once':48} {rate:7.0f} events/s")
        print(f"{'    the last of them has its number after':48} {behind:7.1f} s")
        begun = time.perf_counter()
        told = system.manage("audit_verify").splitlines()
        print(f"{'    manage.py audit_verify':48} {time.perf_counter() - begun:7.1f} s    {told[0]}")


def verifying(events: int) -> None:
    """The stand-alone verifier as a process, on an export with a checkpoint for each 1,000 events."""
    with tempfile.TemporaryDirectory(prefix="opsaas-bench-") as folder:
        path = Path(folder) / "audit.jsonl"
        with path.open("wb") as file:
            file.writelines(_export(events))
        size = path.stat().st_size
        begun = time.perf_counter()
        subprocess.run([sys.executable, verifier.__file__, str(path)], check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - begun
        print(f"{f'{events} events verified, {size >> 20} MiB':48} {took:7.1f} s    {events / took:.0f} events/s")
        begun = time.perf_counter()
        with path.open("rb") as file:
            for line in file:
                hashlib.sha256(line).digest()
        print(f"{'    raw: read and hash each line':48} {time.perf_counter() - begun:7.1f} s")


def _export(events: int) -> Iterator[bytes]:
    """As the server writes it. The leaves are hashed twice here rather than kept."""
    key = read_signing_key(new_signing_key("bench.example.org/audit"))
    yield _line({"log": "opsaas", "format": 1})
    yield _line({"key": str(key.public())})
    stack: list[bytes] = []
    for seq in range(events):
        _push(stack, seq, leaf_hash(_body(seq)))
        if (seq + 1) % PER_CHECKPOINT == 0 or seq + 1 == events:
            root = _root(stack)
            head = checkpoint_body(origin=key.name, size=seq + 1, root=root)
            note = signed(head, keys=[key], at=BEGAN + timedelta(milliseconds=seq))
            yield _line({"checkpoint": note, "size": seq + 1, "root": base64.b64encode(root).decode()})
    for seq in range(events):
        body = _body(seq)
        leaf = base64.b64encode(leaf_hash(body)).decode()
        yield _line({"seq": seq, "id": f"{seq:032x}", "leaf": leaf, "body": body.decode()})
    yield _line({"end": {"events": events}})


def _body(seq: int) -> bytes:
    moment = (BEGAN + timedelta(milliseconds=seq)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    run = f"0193{seq:028x}"
    return canonical(
        {
            "action": "run.requested",
            "actor": {"id": "0193" + "a" * 28, "name": "runner", "type": "person"},
            "details": {"plan_hash": "sha256:" + "c" * 64, "version": 3},
            "object": {"id": run, "name": "payments/restart", "type": "run"},
            "origin": {"ip": "192.0.2.17", "via": "api"},
            "outcome": "done",
            "place": {"project": "0193" + "b" * 28, "runbook": "0193" + "d" * 28},
            "reason": "",
            "time": moment,
        }
    )


def _push(stack: list[bytes], seq: int, found: bytes) -> None:
    while seq & 1:
        found, seq = hashlib.sha256(b"\x01" + stack.pop() + found).digest(), seq >> 1
    stack.append(found)


def _root(stack: list[bytes]) -> bytes:
    *left, found = stack
    for one in reversed(left):
        found = hashlib.sha256(b"\x01" + one + found).digest()
    return found


def _line(record: dict[str, object]) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
