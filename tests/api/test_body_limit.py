"""Bodies that never end are cut off before anything reads them."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

from runbooks.api.body_limit import Receive, Scope, Send, within_limit

Messages = list[MutableMapping[str, Any]]


async def _reader(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads everything first, as Django does."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def _call(*, limit: int, pieces: int, announced: bytes | None = None) -> tuple[Messages, int]:
    """Sends PIECES of 1000 bytes; answers what came back, and how many pieces were taken."""
    sent: Messages = []
    taken = 0

    async def receive() -> MutableMapping[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": taken < pieces}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [] if announced is None else [(b"content-length", announced)]
    scope: Scope = {"type": "http", "headers": headers}
    asyncio.run(within_limit(_reader, scope, receive, send, limit=limit))
    return sent, taken


def test_a_body_within_the_limit_passes_whole() -> None:
    sent, taken = _call(limit=3000, pieces=3)
    assert (sent[0]["status"], sent[1]["body"], taken) == (200, b"3000", 3)


def test_a_body_without_length_is_cut_off_where_it_gets_too_long() -> None:
    sent, taken = _call(limit=3000, pieces=1_000_000)
    assert (sent[0]["status"], taken) == (413, 4)
    assert (b"connection", b"close") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["code"] == "too_large"


def test_a_body_that_says_it_is_too_long_is_not_read_at_all() -> None:
    sent, taken = _call(limit=3000, pieces=5, announced=b"5000")
    assert (sent[0]["status"], taken) == (413, 0)


def test_a_length_that_is_no_number_is_not_trusted() -> None:
    for announced in (b"-1", b"many", b"9" * 5000):
        sent, taken = _call(limit=3000, pieces=5, announced=announced)
        assert (sent[0]["status"], taken) == (413, 4)
