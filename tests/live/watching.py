"""A watcher of an event stream: talks ASGI to the application itself, within the test's own transaction."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from opsaas.asgi import application
from runbooks.api import stream
from runbooks.api.stream_entry import open_stream
from runbooks.live.hub import Hub

SECONDS = 20  # no watcher of a test waits longer than this


@dataclass(frozen=True)
class Event:
    kind: str
    id: int
    data: dict[str, Any]


@dataclass
class Watcher:
    """`between` are acts that happen one by one, each before one of the stream's looks into the database."""

    between: list[Callable[[], object]] = field(default_factory=list)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def watch(self, path: str, head: dict[str, str], *, leave_after: int = 0) -> "Watcher":
        """Until the stream ends, or until LEAVE_AFTER events have come."""
        names = [(name.encode(), value.encode()) for name, value in head.items()]
        address, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/api/v1{address}",
            "query_string": query.encode(),
            "headers": names,
            "client": ("127.0.0.1", 1),
        }
        async_to_sync(self._watch)(scope, leave_after)
        return self

    async def _watch(self, scope: dict[str, Any], leave_after: int) -> None:
        left = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self.body += message.get("body", b"")
            if leave_after and len(self.events) >= leave_after:
                left.set()

        await asyncio.wait_for(application(scope, receive, send), SECONDS)

    @property
    def events(self) -> list[Event]:
        return list(_events(self.body.decode()))

    @property
    def ids(self) -> list[int]:
        return [event.id for event in self.events]

    @property
    def text(self) -> str:
        return "".join(event.data["text"] for event in self.events if event.kind == "output")

    @property
    def problem(self) -> dict[str, Any]:
        problem: dict[str, Any] = json.loads(self.body)
        return problem

    def attach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The stream's threads would not see the test's transaction: their work is done in the test's own thread."""

        def looked(function: Callable[..., object], *given: object) -> object:
            if function is not open_stream and self.between:
                self.between.pop(0)()
            return function(*given)

        monkeypatch.setattr(stream, "_in_thread", sync_to_async(looked))
        monkeypatch.setattr(stream, "_hub", Hub())
        monkeypatch.setattr(stream, "LOOK_SECONDS", 0.01)


def _events(text: str) -> Iterator[Event]:
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            yield Event(kind=lines["event"], id=int(lines["id"]), data=json.loads(lines["data"]))
