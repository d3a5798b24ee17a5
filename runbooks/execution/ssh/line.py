"""The line to a machine: its name looked up once, its address checked, and connected to as it was checked."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import paramiko

from runbooks.domain.addresses import may_be_node
from runbooks.domain.ports import SeenHostKey, Target

DEAD_AFTER_SECONDS = 30  # without an acknowledgement of what was sent


class CannotConnect(Exception):
    """The machine could not be reached, recognised or signed in to; nothing was started."""

    def __init__(self, sentence: str, *, seen: SeenHostKey | None = None) -> None:
        super().__init__(sentence)
        self.seen = seen


def open_line(target: Target, via: paramiko.Transport | None, seconds: float) -> socket.socket | paramiko.Channel:
    """Raises CannotConnect. A name that is looked up by a machine on the way is that machine's own concern."""
    try:
        if via is not None:
            _check_literal(target)
            there, here = (target.host, target.port), ("127.0.0.1", 0)
            return via.open_channel("direct-tcpip", there, here, timeout=seconds)
        line = _connected(target, seconds)
    except socket.gaierror:
        raise CannotConnect(f'The host name "{target.host}" of {target.name} is not known.') from None
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise CannotConnect(f"{named(target)} could not be reached: {words(error)}.") from None
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER_SECONDS * 1000)
    return line


def named(target: Target) -> str:
    return f"{target.name} ({target.host}, port {target.port})"


def words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, EOFError):
        return "it closed the connection"
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip().rstrip(".")
    return text.splitlines()[0]


def _connected(target: Target, seconds: float) -> socket.socket:
    """To the first of its addresses that answers."""
    failure: OSError = OSError("it has no address")
    for family, kind, protocol, address in _addresses(target):
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(seconds)
            line.connect(address)
        except OSError as error:
            line.close()
            failure = error
        else:
            return line
    raise failure


def _addresses(target: Target) -> Iterator[tuple[Any, Any, int, Any]]:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in found:
        _check(target, str(address[0]))
        yield family, kind, protocol, address


def _check_literal(target: Target) -> None:
    try:
        ip_address(target.host.partition("%")[0])
    except ValueError:
        return
    _check(target, target.host)


def _check(target: Target, address: str) -> None:
    if not may_be_node(ip_address(address.partition("%")[0])):
        raise CannotConnect(f"{named(target)} leads to {address}, where no node can be: nothing was sent there.")
