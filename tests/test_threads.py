"""The bridge from the ASGI server to Django: what is asked arrives whole, what is answered goes out as it comes."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from opsaas.threads import Threaded

SCOPE = {
    "type": "http", "method": "POST", "path": "/a b", "query_string": b"x=1", "http_version": "1.1", "headers": [
        (b"host", b"example.org"), (b"content-type", b"text/plain"), (b"x-more", b"a"), (b"x-more", b"b"),
    ], "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80),
}  # fmt: skip
Wsgi = Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]


def asked(application: Wsgi, *parts: bytes, leave_after: int | None = None) -> list[dict[str, Any]]:
    """What the server is told to send. With LEAVE_AFTER the client is gone after so many messages."""
    sent: list[dict[str, Any]] = []
    coming = [{"type": "http.request", "body": part, "more_body": part is not parts[-1]} for part in parts]

    async def receive() -> dict[str, Any]:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if leave_after is not None and len(sent) >= leave_after:
            raise ConnectionResetError
        sent.append(dict(message))

    asyncio.run(Threaded(application, threads=2)(dict(SCOPE), receive, send))
    return sent


class Pieces:
    def __init__(self, *pieces: bytes, fails: bool = False) -> None:
        self.pieces, self.fails, self.closed_in = pieces, fails, ""

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.fails:
            raise RuntimeError("the source ended early")

    def close(self) -> None:
        self.closed_in += threading.current_thread().name

    def __call__(self, environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return self


def test_the_application_gets_the_request_whole_and_in_a_thread() -> None:
    seen: dict[str, Any] = {}

    def echo(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        seen.update(environ, thread=threading.current_thread().name, body=environ["wsgi.input"].read())
        start("201 Created", [("X-One", "1")])
        return [b"done"]

    sent = asked(echo, b"one ", b"two")
    assert seen["body"] == b"one two"
    assert (seen["REQUEST_METHOD"], seen["PATH_INFO"], seen["QUERY_STRING"]) == ("POST", "/a b", "x=1")
    assert (seen["HTTP_HOST"], seen["CONTENT_TYPE"], seen["HTTP_X_MORE"]) == ("example.org", "text/plain", "a,b")
    assert seen["REMOTE_ADDR"] == "127.0.0.1"
    assert seen["thread"].startswith("opsaas-web")
    assert sent == [
        {"type": "http.response.start", "status": 201, "headers": [(b"x-one", b"1")]},
        {"type": "http.response.body", "body": b"done"},
    ]


@pytest.mark.parametrize("pieces", [(), (b"",), (b"one",), (b"one", b"two"), (b"one", b"", b"three")])
def test_an_answer_goes_out_in_its_pieces_and_is_closed_once_in_a_thread(pieces: tuple[bytes, ...]) -> None:
    answer = Pieces(*pieces)
    bodies = asked(answer, b"")[1:]
    assert b"".join(message["body"] for message in bodies) == b"".join(pieces)
    assert [message.get("more_body", False) for message in bodies] == [True] * (len(bodies) - 1) + [False]
    assert answer.closed_in.count("opsaas-web") == 1


def test_an_answer_is_closed_when_the_client_leaves() -> None:
    answer = Pieces(b"one", b"two", b"three")
    with pytest.raises(ConnectionResetError):
        asked(answer, b"", leave_after=2)
    assert answer.closed_in.count("opsaas-web") == 1


def test_an_answer_that_breaks_off_is_never_ended_as_if_it_were_whole() -> None:
    answer = Pieces(b"one", b"two", fails=True)
    with pytest.raises(RuntimeError):
        asked(answer, b"")
    assert answer.closed_in.count("opsaas-web") == 1


def test_a_client_that_leaves_while_it_sends_is_not_answered() -> None:
    assert asked(Pieces(b"one")) == []
