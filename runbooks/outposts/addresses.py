"""The form of places outside, as OPSAAS_AUDIT_PUSH and OPSAAS_AUDIT_STREAM name them."""

import hashlib
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

DEFAULT_PORTS = {"syslog": 514, "syslog+tcp": 601, "syslog+tls": 6514}
KINDS = ("file", "stdout", "https", "http", "s3", *DEFAULT_PORTS)
OPTIONS = {"s3": {"endpoint", "region", "mode", "retain_days"}}
MODES = ("compliance", "governance", "none")


class BadPlace(ValueError):
    """It names no place that opsaas knows; the text says why, and repeats no more than its kind."""


@dataclass(frozen=True)
class PlaceAddress:
    kind: str
    host: str  # of a bucket its name
    port: int
    path: str
    name: str  # for people and in the database: nothing that might be a secret
    url: str = field(repr=False)
    options: dict[str, str] = field(default_factory=dict, hash=False)


def read_place(text: str) -> PlaceAddress:
    """Raises BadPlace."""
    try:
        parts = urlsplit(text)
        kind, port = parts.scheme, parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query and kind == "s3" else {}
    except ValueError:
        raise BadPlace("a place is written as an address, such as file:/srv/kept/checkpoints.jsonl") from None
    if kind not in KINDS:
        raise BadPlace(f"a place begins with one of {', '.join(f'{one}:' for one in KINDS)}")
    if parts.username or parts.password:
        raise BadPlace(f"a {kind} place has no name or password in it")
    _check(kind, parts.hostname or "", parts.path, options)
    port = port or DEFAULT_PORTS.get(kind, 0)
    return PlaceAddress(kind, parts.hostname or "", port, parts.path, _name(kind, text), text, options)


def _check(kind: str, host: str, path: str, options: dict[str, str]) -> None:
    if kind == "file" and (host or not path.startswith("/") or path.endswith("/")):
        raise BadPlace("a file is named by its whole path, such as file:/srv/kept/checkpoints.jsonl")
    if kind not in ("file", "stdout") and not host:
        raise BadPlace(f"a {kind} place names a host, such as {kind}://logs.example.org")
    if wrong := sorted(set(options) - OPTIONS.get(kind, set())):
        raise BadPlace(f"a {kind} place knows no {wrong[0]}")
    if kind == "s3":
        if options.get("mode", "compliance") not in MODES:
            raise BadPlace(f"the mode of an s3 place is one of {', '.join(MODES)}")
        if not options.get("retain_days", "1").isdecimal() or not 0 < int(options.get("retain_days", "1")) <= 36_500:
            raise BadPlace("retain_days of an s3 place is a number of days, at most 36500")


def _name(kind: str, text: str) -> str:
    """The address of a webhook is often a secret: only its host is told, and a mark to tell it from others."""
    if kind in ("http", "https"):
        parts = urlsplit(text)
        mark = hashlib.sha256(text.encode()).hexdigest()[:6]
        return f"{kind}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/… ({mark})"[:300]
    return text.partition("?")[0][:300]
