"""RFC 5424 messages with the JSON as text: over UDP (RFC 5426), over TCP or TLS with octet counting (6587, 5425).

Syslog has no answer: sent is all that is known. Over UDP not even that.
"""

import contextlib
import json
import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from runbooks.domain.outposts import NotKept, Parcel

SECONDS = 10
PRIORITY = 13 * 8 + 5  # facility "log audit", severity "notice"
LONGEST_DATAGRAM = 8000  # beyond, networks and collectors cut without a word


class SyslogOutpost:
    def __init__(self, *, host: str, port: int, kind: str, trust: ssl.SSLContext | None = None) -> None:
        self._host, self._port, self._kind = host, port, kind
        self._trust = trust

    def keep(self, parcel: Parcel) -> None:
        try:
            if self._kind == "syslog":
                self._send_datagrams(parcel)
            else:
                with self._connected() as link:
                    link.sendall(b"".join(_counted(_message(line, parcel)) for line in parcel.lines))
                    with contextlib.suppress(OSError):
                        link.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise NotKept(f"{self._host}:{self._port} could not be reached: {error.strerror or error}.") from error

    def _send_datagrams(self, parcel: Parcel) -> None:
        kind, *_, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(kind, socket.SOCK_DGRAM) as link:
            link.settimeout(SECONDS)
            for line in parcel.lines:
                link.sendto(_message(_short(line), parcel), address)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        with socket.create_connection((self._host, self._port), timeout=SECONDS) as plain:
            if self._kind == "syslog+tcp":
                yield plain
                return
            trust = self._trust or ssl.create_default_context()
            with trust.wrap_socket(plain, server_hostname=self._host) as wrapped:
                yield wrapped


def _message(line: str, parcel: Parcel) -> bytes:
    now = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    what = "audit.checkpoint" if parcel.note else "audit.event"
    head = f"<{PRIORITY}>1 {now} {socket.gethostname()[:255] or '-'} opsaas {os.getpid()} {what} - "
    return head.encode("ascii", "replace") + line.encode("utf-8", "surrogateescape")


def _counted(message: bytes) -> bytes:
    return b"%d %s" % (len(message), message)


def _short(line: str) -> str:
    """A datagram can't hold any event: of a long one goes what finds it again."""
    if len(line.encode("utf-8", "surrogateescape")) <= LONGEST_DATAGRAM:
        return line
    told = json.loads(line)
    kept = {name: told[name] for name in ("seq", "time", "actor", "action", "outcome") if name in told}
    return json.dumps({**kept, "cut": "longer than a datagram: see the log, or send by syslog+tcp"})
