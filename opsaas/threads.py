"""A WSGI application behind an ASGI server: one hop to a thread and one back for each answer.

a2wsgi reads the environment from the request. Its own carrying crosses between thread and loop for every message,
which took more of the web process's time than the answer of an ordinary request.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from a2wsgi.wsgi import build_environ

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Threaded:
    """The ASGI form of a WSGI application. Bodies are read whole first: whoever calls it bounds them."""

    def __init__(self, application: Callable[..., Iterable[bytes]], *, threads: int) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="opsaas-web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        if body is None:
            return
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._pool, _Answer, self._application, scope, body)
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            piece = answer.first
            while not answer.ended:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await loop.run_in_executor(self._pool, answer.next)
            await send({"type": "http.response.body", "body": piece})
        finally:
            if not answer.closed:
                await loop.run_in_executor(self._pool, answer.close)


class _Answer:
    """What the application said. An answer of one piece is whole, and closed, by the time that it is made."""

    def __init__(self, application: Callable[..., Iterable[bytes]], scope: Scope, body: bytes) -> None:
        self.ended = self.closed = False
        self._pieces = application(build_environ(scope, io.BytesIO(body)), self._start)  # type: ignore[arg-type]
        try:
            self._left: Iterator[bytes] = iter(self._pieces)
            self._ahead: bytes | None = next(self._left, None)
            self.first = self.next()
        except BaseException:
            self.close()
            raise

    def next(self) -> bytes:
        """The piece that was read ahead; reads one more, to know whether this was the last."""
        piece = self._ahead or b""
        self._ahead = next(self._left, None) if self._ahead is not None else None
        if self._ahead is None:
            self.ended = True
            self.close()
        return piece

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            if hasattr(self._pieces, "close"):
                self._pieces.close()

    def _start(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
        self.status = int(status.partition(" ")[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return _no_write


async def _whole(receive: Receive) -> bytes | None:
    """The whole body; None where the client left before it was here."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("answers are iterables here, as WSGI recommends")
