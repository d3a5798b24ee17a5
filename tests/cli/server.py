"""A server that speaks the contract over real sockets, as far as the command asks, and misbehaves when told to."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ops_runner_Sup3rSecretToken"
FINAL = {"succeeded", "failed", "timed_out", "cancelled", "denied", "expired", "refused", "lost"}
SCHEMA = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "kind": {"const": "Runbook"},
        "spec": {
            "required": ["steps"],
            "properties": {
                "steps": {"items": {"required": ["id", "script"], "properties": {"timeout": {"type": "string"}}}}
            },
        },
    },
}


@dataclass
class Run:
    """A run whose life the test tells."""

    id: str
    body: dict[str, Any] = field(default_factory=dict)
    status: str = "queued"
    exit_code: int | None = None
    output_complete: bool = True
    log: bytes = b""
    events: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def become(self, status: str, exit_code: int | None = None) -> None:
        with self.changed:
            self.status, self.exit_code = status, exit_code
            self._tell("status", {"status": status, "exit_code": exit_code, "output_complete": self.output_complete})

    def step(self, name: str, status: str, **more: object) -> None:
        with self.changed:
            self._tell("step", {"step": name, "node": "", "status": status, **more})

    def write(self, data: bytes) -> None:
        with self.changed:
            text = data.decode("utf-8", "replace")
            self._tell("output", {"step": "main", "offset": len(self.log), "text": text})
            self.log += data

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self.events.append((len(self.events) + 1, kind, data))
        self.changed.notify_all()

    def news(self, last: int) -> list[tuple[int, str, dict[str, Any]]]:
        """The events after number LAST, after waiting a moment for one."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.events) > last, timeout=0.2)
            return self.events[last:]

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "runbook": "payments/drain-worker", "version": 3, "hash": "sha256:aa", "status": self.status,
            "parameters": self.body.get("parameters", {}), "requested_by": "runner", "trigger": "cli",
            "reason": self.body.get("reason", ""), "created_at": "2026-11-21T10:00:00.000000Z",
            "started_at": "2026-11-21T10:00:01.000000Z", "finished_at": "2026-11-21T10:00:04.500000Z",
            "exit_code": self.exit_code, "outputs": {}, "output_complete": self.output_complete,
        }  # fmt: skip


@dataclass
class Refusal:
    status: int
    problem: dict[str, Any] | bytes


Plot = Callable[[Run], None]


class Server(ThreadingHTTPServer):
    """`plot` is what happens in every run that is started."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.runs: dict[str, Run] = {}
        self.by_key: dict[str, str] = {}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.parameters: list[dict[str, Any]] = []
        self.plot: Plot = succeed
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.refusals: dict[tuple[str, str], Refusal] = {}
        self.cut_streams: list[int] = []  # of the next streams: how many bytes they live
        self.cut_logs: list[int] = []
        self.cut_answers = 0  # of the next POSTs: done, but the answer gets lost
        self.ignore_ranges = False
        self.allowed = True
        self.export = b""

    def start_run(self, body: dict[str, Any], key: str) -> Run:
        if key and key in self.by_key:
            return self.runs[self.by_key[key]]
        run = Run(f"run-{len(self.runs) + 1}", body)
        self.runs[run.id] = run
        self.by_key[key] = run.id
        threading.Thread(target=self.plot, args=(run,), daemon=True).start()
        return run

    def asked(self, method: str, path: str) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for verb, place, headers, body in self.seen if (verb, place) == (method, path)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


def succeed(run: Run) -> None:
    run.become("running")
    run.write(b"hello\n")
    run.become("succeeded", 0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, parts.path, dict(self.headers), self.body))
        if refusal := self.server.refusals.get((self.command, parts.path)):
            self._refuse(refusal)
        elif parts.path == "/schemas/runbook/v1.json":
            self._json(200, SCHEMA)
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(Refusal(401, {"title": "Sign in first", "status": 401, "code": "not_authenticated"}))
        else:
            self._route(self.command, *parts.path.removeprefix("/api/v1/").split("/"))

    def _route(self, method: str, noun: str, *rest: str) -> None:
        events = [{"seq": n, "time": "t", "actor": {"name": "runner"}, "action": "run.requested"} for n in range(450)]
        match method, noun, *rest:
            case "GET", "me":
                self._json(200, {"username": "runner", "kind": "person"})
            case "POST", "authz", "check":
                self._json(200, {"allowed": self.server.allowed, "reasons": ["You hold no right “run” there."]})
            case "GET", "audit", "events":
                self._page(events)
            case "GET", "audit", "export":
                self._bytes(200, self.server.export, "application/jsonl")
            case _, "runbooks", *_:
                self._runbooks(method, rest)
            case _, "runs", *_:
                self._runs(method, rest)
            case _:
                self._not_found()

    def _runbooks(self, method: str, rest: Sequence[str]) -> None:
        match rest:
            case []:
                self._page([{"runbook": "payments/drain-worker", "title": "Drain\x1b[2J and\trestart"}])
            case ["payments", "absent", *_]:
                self._not_found()
            case [project, slug, *more]:
                self._runbook(method, f"{project}/{slug}", more)

    def _runs(self, method: str, rest: Sequence[str]) -> None:
        match method, *rest:
            case ("POST",):
                self._start()
            case ("GET",):
                self._page([run.as_json() for run in self.server.runs.values()])
            case _, run_id, *more if run_id in self.server.runs:
                self._run(method, self.server.runs[str(run_id)], more)
            case _:
                self._not_found()

    def _runbook(self, method: str, name: str, rest: list[str]) -> None:
        versions = self.server.versions.setdefault(name, [])
        match method, *rest:
            case ("GET",):
                self._json(
                    200,
                    {"runbook": name, "title": "Drain", "doc": "## Meaning\n", "parameters": self.server.parameters},
                )
            case "PUT", "draft":
                self._draft(name, versions)
            case "GET", "versions":
                self._page(versions[::-1]) if versions else self._not_found()
            case "GET", "versions", number:
                self._json(200, versions[int(number) - 1])
            case "POST", "versions", number, "submit":
                versions[int(number) - 1]["state"] = "in_review"
                self._json(200, versions[int(number) - 1])

    def _draft(self, name: str, versions: list[dict[str, Any]]) -> None:
        definition = json.loads(self.body)
        digest = "sha256:" + hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
        for version in versions:
            if version["hash"] == digest:
                return self._json(200, version)
        version = {
            "runbook": name,
            "number": len(versions) + 1,
            "hash": digest,
            "state": "draft",
            "definition": definition,
        }
        versions.append(version)
        return self._json(201, version)

    def _start(self) -> None:
        run = self.server.start_run(json.loads(self.body), self.headers.get("Idempotency-Key", ""))
        if self.server.cut_answers:
            self.server.cut_answers -= 1
            self.close_connection = True
            return
        self._json(202, run.as_json())

    def _run(self, method: str, run: Run, rest: list[str]) -> None:
        match method, *rest:
            case ("GET",):
                self._json(200, run.as_json())
            case "GET", "steps":
                self._page([{"step": "main", "status": run.status, "exit_code": run.exit_code}])
            case "GET", "log":
                self._log(run)
            case "GET", "events":
                self._events(run)
            case "POST", "cancel":
                run.become("cancelled")
                self._json(202, run.as_json())
            case "POST", "rerun" | "resume":
                self._start_again(run)

    def _start_again(self, run: Run) -> None:
        self._json(202, self.server.start_run(run.body, self.headers.get("Idempotency-Key", "")).as_json())

    def _log(self, run: Run) -> None:
        if self.headers["Accept"] == "application/jsonl":
            lines = enumerate(run.log.decode("utf-8", "replace").split("\n"), 1)
            found = [{"line": n, "text": text} for n, text in lines if self.query.get("q", "") in text]
            made = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found)
            return self._bytes(200, made.encode(), "application/jsonl")
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if "Range" not in self.headers or self.server.ignore_ranges:
            return self._bytes(200, run.log, "text/plain")
        if start >= len(run.log):
            return self._bytes(416, b"", "text/plain")
        cut = self.server.cut_logs.pop(0) if self.server.cut_logs else None
        place = {"Content-Range": f"bytes {start}-{len(run.log) - 1}/{len(run.log)}"}
        return self._bytes(206, run.log[start:], "text/plain", place, cut=cut)

    def _events(self, run: Run) -> None:
        last = int(self.headers.get("Last-Event-ID") or 0)
        if run.status in FINAL and last >= len(run.events):
            return self._bytes(204, b"", "text/event-stream")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        return self._stream(run, last, self.server.cut_streams.pop(0) if self.server.cut_streams else None)

    def _stream(self, run: Run, last: int, left: int | None) -> None:
        while True:
            news = run.news(last)
            for number, kind, data in news:
                text = f": heartbeat\r\n\r\nid: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()
                self.wfile.write(text if left is None else text[:left])
                last = number
                if left is not None and (left := left - len(text)) <= 0:
                    return
                if kind == "status" and data["status"] in FINAL:
                    return

    def _page(self, things: list[Any]) -> None:
        start, size = int(self.query.get("cursor", 0)), int(self.query.get("limit", 50))
        following = str(start + size) if start + size < len(things) else None
        self._json(200, {"results": things[start : start + size], "next": following})

    def _not_found(self) -> None:
        self._refuse(Refusal(404, {"title": "Not found", "status": 404, "code": "not_found"}))

    def _refuse(self, refusal: Refusal) -> None:
        raw = refusal.problem if isinstance(refusal.problem, bytes) else json.dumps(refusal.problem).encode()
        self._bytes(refusal.status, raw, "application/problem+json")

    def _json(self, status: int, value: object) -> None:
        self._bytes(status, json.dumps(value).encode(), "application/json")

    def _bytes(
        self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None, *, cut: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data if cut is None else data[:cut])
        self.close_connection = self.close_connection or cut is not None


def pause() -> None:
    """Long enough for a follower to be waiting."""
    time.sleep(0.05)
