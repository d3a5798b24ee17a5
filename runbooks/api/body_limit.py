"""Bodies are cut off as they come in, before a thread is given to them."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from runbooks.api.problems import CONTENT_TYPE, problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


async def within_limit(application: Application, scope: Scope, receive: Receive, send: Send, *, limit: int) -> None:
    """Calls APPLICATION with a body of at most LIMIT bytes and of known length; what is longer is answered with 413 and
    not read on. The server holds clients to the length that they announce."""
    announced = _announced(scope)
    if announced is None:
        body = await _gathered(receive, limit=limit)
        if body is not None:
            await application(_with_length(scope, len(body)), _replayed(body, receive), send)
            return
    elif announced <= limit:
        await application(scope, receive, send)
        return
    await _refuse(send, limit=limit)


def _announced(scope: Scope) -> int | None:
    """What the client says that it sends; None where it does not say, or says nonsense."""
    text: bytes = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if text.isdigit() and len(text) < 19 else None


async def _gathered(receive: Receive, *, limit: int) -> bytes | None:
    """The whole body; None once it gets too long."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _with_length(scope: Scope, length: int) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name not in {b"content-length", b"transfer-encoding"}]
    return {**scope, "headers": [*kept, (b"content-length", str(length).encode())]}


def _replayed(body: bytes, receive: Receive) -> Receive:
    """First the body that was gathered, then whatever else comes."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return replay


async def _refuse(send: Send, *, limit: int) -> None:
    """The connection is closed, so that nobody has to read the rest."""
    body = problem(status=413, code="too_large", detail=f"At most {limit:,} bytes are accepted.")
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
