"""Connections for httpcore that go only to addresses which were checked, and end by a deadline whatever is answered."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from ipaddress import ip_address
from threading import Thread
from typing import Any, TypeVar

import httpcore

from runbooks.domain.addresses import Address, Allowed, may_call
from runbooks.domain.ports import AddressRefused, NotReached

Answer = TypeVar("Answer")
Resolver = Callable[[str, int], Sequence[Address]]


def resolve(host: str, port: int) -> Sequence[Address]:
    """By the system's resolver, which also reads odd forms of numbers: what it makes of them is what is checked."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(where[0]).partition("%")[0]) for *_, where in found]


def _tell(told: "Future[Answer]", ask: Callable[[], Answer]) -> None:
    try:
        told.set_result(ask())
    except BaseException as error:  # noqa: BLE001  (raised again in the thread that waits)
        told.set_exception(error)


class Deadline:
    """One moment for all of a call: each wait gets what is left."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(self._end - time.monotonic(), 0.001)

    def within(self, ask: Callable[[], Answer]) -> Answer:
        """For what knows of no deadline: the thread that waits is left behind. Raises ConnectTimeout."""
        told: Future[Answer] = Future()
        Thread(target=_tell, args=(told, ask), daemon=True).start()
        try:
            return told.result(self.left())
        except TimeoutError as error:
            if told.done():
                raise  # it is the answer
            raise httpcore.ConnectTimeout("timed out") from error

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._end


class CheckedBackend(httpcore.NetworkBackend):
    """Resolves a name once, refuses it if any of its addresses is forbidden, and connects to what was checked."""

    def __init__(self, *, allowed: Allowed, resolver: Resolver, deadline: Deadline) -> None:
        self._allowed, self._resolver, self._deadline = allowed, resolver, deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        last: Exception | None = None
        for address in self._checked(host, port)[:4]:
            if self._deadline.over:
                break
            try:
                found = self._inner.connect_tcp(str(address), port, self._deadline.left(), local_address, ())
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
            else:
                return TimedStream(found, self._deadline)
        raise last or httpcore.ConnectTimeout("timed out")

    def _checked(self, host: str, port: int) -> Sequence[Address]:
        try:
            addresses = self._deadline.within(lambda: self._resolver(host, port))
        except (OSError, UnicodeError) as error:
            raise NotReached(f"There is no address of {host}.") from error
        if not addresses:
            raise NotReached(f"There is no address of {host}.")
        for address in addresses:
            if not may_call(address=address, host=host, port=port, allowed=self._allowed):
                raise AddressRefused(
                    f"{host} is at an address that opsaas does not call: it is private, of this machine, or reserved."
                    " An administrator can name it in OPSAAS_OUTGOING_ALLOW."
                )
        return addresses


class TimedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._deadline.over:
            raise httpcore.ReadTimeout("timed out")
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._deadline.over:
            raise httpcore.WriteTimeout("timed out")
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
