"""`GET /api/v1/runs/{id}/events`: a small ASGI application before Django, so that a watcher costs no thread.

Two threads read the database for all watchers; a connection is held only while one reads.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from runbooks.api.stream_entry import Opened, Refused, open_stream, still_allowed
from runbooks.domain.states import RUN_FINAL
from runbooks.live.follow import StreamEvent, events_after
from runbooks.live.hub import Hub
from runbooks.models.connections import release_connection

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
T = TypeVar("T")

PATH = re.compile(r"/api/v1/runs/([^/]+)/events")
HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 1.0  # how often a watcher looks without having been woken
RECHECK_SECONDS = 20.0  # how soon somebody who lost the right stops seeing more

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="opsaas-stream")
_hub = Hub()


def run_id_of(scope: Scope) -> str | None:
    """The run whose events are asked for, or None for any other request."""
    found = PATH.fullmatch(scope.get("path", "")) if scope["type"] == "http" and scope["method"] == "GET" else None
    return found[1] if found else None


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    opened = await _in_thread(open_stream, scope, run_id_of(scope) or "")
    if isinstance(opened, Refused):
        await _refuse(send, opened)
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await _follow(opened, send, gone)
    finally:
        gone.cancel()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _follow(opened: Opened, send: Send, gone: asyncio.Future[Any]) -> None:
    seq, said, checked = opened.after, time.monotonic(), time.monotonic()
    with _hub.watching(opened.run_id) as woken:
        while not gone.done():
            woken.clear()
            check = time.monotonic() - checked > RECHECK_SECONDS
            checked = time.monotonic() if check else checked
            events = await _in_thread(_look, opened, seq, check)
            if events is None:
                return
            for event in events:
                seq, said = event.seq, time.monotonic()
                await _send(send, _as_text(event))
                if event.kind == "status" and event.data["status"] in RUN_FINAL:
                    return
            if events:
                continue
            if time.monotonic() - said > HEARTBEAT_SECONDS:
                said = time.monotonic()
                await _send(send, b": still here\n\n")
            await _woken_or_gone(woken, gone)


async def _woken_or_gone(woken: asyncio.Event, gone: asyncio.Future[Any]) -> None:
    waking: asyncio.Future[Any] = asyncio.ensure_future(woken.wait())
    try:
        await asyncio.wait([waking, gone], timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waking.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _look(opened: Opened, seq: int, check: bool) -> list[StreamEvent] | None:
    """None once the watcher may see no more. Numbers stay as they are for those who may not read output: they see gaps,
    not bytes."""
    if check and not still_allowed(opened):
        return None
    return events_after(run_id=opened.run_id, seq=seq, output=opened.sees_output, output_after=opened.output_after)


def _as_text(event: StreamEvent) -> bytes:
    data = json.dumps(event.data, ensure_ascii=False)
    return f"event: {event.kind}\nid: {event.seq}\ndata: {data}\n\n".encode("utf-8", "replace")


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _refuse(send: Send, refused: Refused) -> None:
    await send({"type": "http.response.start", "status": refused.status, "headers": refused.headers})
    await send({"type": "http.response.body", "body": refused.body})


async def _in_thread(function: Callable[..., T], *args: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads, _released, function, *args)


def _released(function: Callable[..., T], *args: object) -> T:
    try:
        return function(*args)
    finally:
        release_connection()


HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
