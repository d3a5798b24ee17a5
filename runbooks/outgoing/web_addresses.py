"""The form of web addresses that people give for opsaas to call."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from runbooks.domain.addresses import Allowed, may_call

LONGEST = 2000
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
DEFAULT_PORTS = {"https": 443, "http": 80}


class BadAddress(ValueError):
    """It is no address that can be called; the text says why, without repeating it."""


@dataclass(frozen=True)
class WebAddress:
    scheme: str
    host: str  # in ASCII, without brackets
    port: int
    target: str  # path and query

    @property
    def authority(self) -> str:
        """As a Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parsed(text: str) -> WebAddress:
    """Raises BadAddress for all that two readers might understand in two ways."""
    if len(text) > LONGEST or not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise BadAddress(f"An address is at most {LONGEST} printable ASCII characters without spaces and backslashes.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadAddress("This is no address such as https://hooks.example.org/opsaas.") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise BadAddress("Begin the address with https:// and the name of a host.")
    if "@" in parts.netloc:
        raise BadAddress("Leave user name and password out of the address.")
    if "#" in text:
        raise BadAddress("Leave out what follows the #: it is never sent.")
    if not HOST.fullmatch(parts.hostname):
        raise BadAddress("The name of the host holds characters that no host has.")
    return WebAddress(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], _target(parts))


def callable_address(text: str, *, allowed: Allowed) -> WebAddress:
    """Raises BadAddress also for what can be told, without asking for names, not to be called."""
    where = parsed(text)
    if where.scheme != "https" and not allowed.names(host=where.host, port=where.port):
        raise BadAddress("Only https:// is called; http:// only where OPSAAS_OUTGOING_ALLOW names the host itself.")
    try:
        address = ip_address(where.host)
    except ValueError:
        return where
    if not may_call(address=address, host=where.host, port=where.port, allowed=allowed):
        raise BadAddress("This address is private, of this machine, or reserved, and OPSAAS_OUTGOING_ALLOW has it not.")
    return where


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
