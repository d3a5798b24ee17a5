"""ASGI entry point: event streams go to their own small application, everything else to Django.

Django runs behind its WSGI handler, in threads: all our views are synchronous, and its ASGI handler would carry each
request over to a thread and back several times, for more than half of the time that a request takes.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from opsaas.threads import Threaded
from opsaas.wsgi import application as wsgi_application
from runbooks.api.body_limit import within_limit
from runbooks.api.stream import run_id_of, stream

THREADS = 32  # a slow reader of a long log holds one; each gives its database connection back while it waits
django_application = Threaded(wsgi_application, threads=THREADS)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif run_id_of(scope):
        await stream(scope, receive, send)
    else:
        limit = 2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # the views' own limit answers better, up to here
        await within_limit(django_application, scope, receive, send, limit=limit)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
