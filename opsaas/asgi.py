"""ASGI entry point: event streams go to their own small application, everything else to Django."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsaas.settings")
django_application = get_asgi_application()

from runbooks.api.body_limit import within_limit  # noqa: E402
from runbooks.api.stream import run_id_of, stream  # noqa: E402  (Django has to be set up first)


async def application(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif run_id_of(scope):
        await stream(scope, receive, send)
    else:
        limit = 2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # the views' own limit answers better, up to here
        await within_limit(django_application, scope, receive, send, limit=limit)  # type: ignore[arg-type]


async def _lifespan(
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
