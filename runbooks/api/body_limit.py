"""Bodies are cut off as they come in: Django would first write all of one to a file, however long it gets."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from runbooks.api.problems import CONTENT_TYPE, problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _TooLarge(Exception):
    """More has come than is taken."""


async def within_limit(application: Application, scope: Scope, receive: Receive, send: Send, *, limit: int) -> None:
    """Calls APPLICATION with a body of at most LIMIT bytes; what is longer is answered with 413 and not read on."""
    if _announced(scope) > limit:
        await _refuse(send, limit=limit)
        return
    came = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > limit:
            raise _TooLarge
        return message

    try:
        await application(scope, counted, send)
    except _TooLarge:
        await _refuse(send, limit=limit)


def _announced(scope: Scope) -> int:
    """What the client says that it sends; 0 where it does not say, or says nonsense: it is counted anyway."""
    text: bytes = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if text.isdigit() and len(text) < 19 else 0


async def _refuse(send: Send, *, limit: int) -> None:
    """The connection is closed, so that nobody has to read the rest."""
    body = problem(status=413, code="too_large", detail=f"At most {limit:,} bytes are accepted.")
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
