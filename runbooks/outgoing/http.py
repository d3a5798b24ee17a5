"""The one way out to addresses that people give: checked, without redirects and proxies, in bounded time and size."""

import ssl
from collections.abc import Mapping

import httpcore

from runbooks.domain.addresses import Allowed
from runbooks.domain.ports import AddressRefused, Answer, NotReached
from runbooks.outgoing.connecting import CheckedBackend, Deadline, Resolver, resolve
from runbooks.outgoing.web_addresses import BadAddress, WebAddress, callable_address

SECONDS = 10.0  # for a whole call, names and handshake included
LARGEST_ANSWER = 16 * 1024  # what is longer is cut: nobody needs more than the beginning


class CheckedHttp:
    """Fulfils `Outgoing`."""

    def __init__(
        self,
        *,
        allowed: Allowed,
        seconds: float = SECONDS,
        resolver: Resolver = resolve,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed, self._seconds, self._resolver = allowed, seconds, resolver
        self._trust = trust or httpcore.default_ssl_context()

    def call(self, *, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        where = self._address(url)
        deadline = Deadline(self._seconds)
        backend = CheckedBackend(allowed=self._allowed, resolver=self._resolver, deadline=deadline)
        try:
            with httpcore.ConnectionPool(network_backend=backend, ssl_context=self._trust) as pool:
                return _exchange(pool, method, where, headers, body)
        except httpcore.TimeoutException as error:
            raise NotReached(f"{where.host} did not answer within {self._seconds:g} seconds.") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            raise NotReached(f"{where.host} could not be reached: {str(error) or type(error).__name__}") from error

    def _address(self, url: str) -> WebAddress:
        try:
            return callable_address(url, allowed=self._allowed)
        except BadAddress as error:
            raise AddressRefused(str(error)) from error


def _exchange(
    pool: httpcore.ConnectionPool, method: str, where: WebAddress, headers: Mapping[str, str], body: bytes
) -> Answer:
    sent = {"Host": where.authority, "Content-Length": str(len(body)), "Connection": "close", **headers}
    url = httpcore.URL(
        scheme=where.scheme.encode(), host=where.host.encode(), port=where.port, target=where.target.encode()
    )
    with pool.stream(method, url, headers=list(sent.items()), content=body) as response:
        return Answer(status=response.status, body=_beginning(response))


def _beginning(response: httpcore.Response) -> bytes:
    kept = b""
    for piece in response.iter_stream():
        kept += piece
        if len(kept) >= LARGEST_ANSWER:
            break
    return kept[:LARGEST_ANSWER]
