"""How long TLS certificates are still good: the one that a server shows, or every one in a PEM file."""

from __future__ import annotations

import base64
import binascii
import os
import re
import socket
import ssl
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

FINE, FINDING, UNKNOWN = 0, 1, 2
RED, YELLOW, GREEN, DIM, RESET = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[0m"

COMMON_NAME = bytes.fromhex("550403")
ALTERNATIVE_NAMES = bytes.fromhex("551d11")
SEQUENCE, OBJECT_ID, UTC_TIME, LONG_TIME = 0x30, 0x06, 0x17, 0x18
VERSION, EXTENSIONS, DNS_NAME = 0xA0, 0xA3, 0x82
LARGEST_FILE = 4 * 1024 * 1024


class CannotTell(Exception):
    """There is no certificate to judge."""


@dataclass(frozen=True)
class Certificate:
    subject: str
    issuer: str
    names: list[str]
    begins: datetime
    ends: datetime


# A certificate is a tree of (tag, length, value). The standard library has no public reader for one that it does not
# trust, and an expired or private certificate is just what this script is for.


def children(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise IndexError("a value is cut short")
        found.append((tag, data[at : at + length]))
        at += length
    return found


def common_name(name: bytes) -> str:
    parts = [children(pair) for _, group in children(name) for _, pair in children(group)]
    texts = [(kind[1], text[1].decode("utf-8", "replace")) for kind, text in parts]
    chosen = [text for kind, text in texts if kind == COMMON_NAME] or [text for _, text in texts]
    return printable(chosen[-1]) if chosen else "(no name)"


def moment(tag: int, value: bytes) -> datetime:
    text = value.decode("ascii")
    if tag == UTC_TIME:  # two digits of the year: 50 and up are of the last century
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def dns_names(fields: list[tuple[int, bytes]]) -> list[str]:
    for tag, value in fields:
        if tag != EXTENSIONS:
            continue
        for _, extension in children(children(value)[0][1]):
            parts = children(extension)
            if parts[0][1] == ALTERNATIVE_NAMES:
                names = children(children(parts[-1][1])[0][1])
                return [printable(name.decode("ascii", "replace")) for kind, name in names if kind == DNS_NAME]
    return []


def read_certificate(der: bytes) -> Certificate:
    try:
        fields = children(children(children(der)[0][1])[0][1])
        if fields[0][0] == VERSION:
            fields = fields[1:]
        _serial, _algorithm, issuer, validity, subject = fields[:5]
        begins, ends = (moment(tag, value) for tag, value in children(validity[1])[:2])
        return Certificate(common_name(subject[1]), common_name(issuer[1]), dns_names(fields), begins, ends)
    except (IndexError, ValueError) as error:
        raise CannotTell(f"This is not a certificate that can be read ({error}).") from error


def from_file(path: str) -> list[Certificate]:
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST_FILE)
    except OSError as error:
        raise CannotTell(f"{printable(path)} cannot be read: {error.strerror}.") from error
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", data, re.DOTALL)
    if not blocks:
        raise CannotTell(f"{printable(path)} holds no certificate in PEM form (BEGIN CERTIFICATE … END CERTIFICATE).")
    try:
        return [read_certificate(base64.b64decode(block)) for block in blocks]
    except binascii.Error as error:
        raise CannotTell(f"{printable(path)} holds a damaged certificate: {error}.") from error


def from_server(host: str, port: int, name: str, seconds: float) -> tuple[Certificate, str]:
    """The server's own certificate, and why this machine would not trust it ("" if it would)."""
    careless = ssl.create_default_context()
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE  # to read it, not to rely on it
    try:
        der = handshake(careless, host, port, name, seconds)
    except OSError as error:
        raise CannotTell(f"No TLS conversation with {host}:{port}: {error}.") from error
    if der is None:
        raise CannotTell(f"{host}:{port} showed no certificate.")
    try:
        handshake(ssl.create_default_context(), host, port, name, seconds)
    except ssl.SSLCertVerificationError as error:
        return read_certificate(der), error.verify_message
    except OSError as error:
        return read_certificate(der), f"the second conversation failed: {error}"
    return read_certificate(der), ""


def handshake(context: ssl.SSLContext, host: str, port: int, name: str, seconds: float) -> bytes | None:
    plain = socket.create_connection((host, port), timeout=seconds)
    with plain, context.wrap_socket(plain, server_hostname=name) as connection:
        return connection.getpeercert(binary_form=True)


def printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", text)


def verdict(certificate: Certificate, now: datetime, days: int) -> tuple[str, str]:
    left = certificate.ends - now
    if left <= timedelta(0):
        return RED, f"expired {-left.days} days ago"
    if certificate.begins > now:
        return RED, f"not valid before {certificate.begins:%Y-%m-%d %H:%M} UTC"
    if left < timedelta(days=days):
        return YELLOW, f"expires in {left.days} days"
    return GREEN, f"good for {left.days} days"


def report(target: str, certificates: list[Certificate], distrust: str | None, days: int, strict: bool) -> int:
    now = datetime.now(timezone.utc)
    judged = [(certificate, *verdict(certificate, now, days)) for certificate in certificates]
    rows = ["| certificate | issued by | valid until (UTC) | verdict |", "|---|---|---|---|"]
    for certificate, colour, sentence in judged:
        print(f"{colour}{sentence:<28}{RESET} {certificate.subject}")
        print(f"  {DIM}until {certificate.ends:%Y-%m-%d %H:%M} UTC, issued by {certificate.issuer}{RESET}")
        if certificate.names:
            print(f"  {DIM}for {', '.join(certificate.names[:20])}{RESET}")
        cells = (certificate.subject, certificate.issuer, f"{certificate.ends:%Y-%m-%d %H:%M}", sentence)
        rows.append("| " + " | ".join(markdown(cell) for cell in cells) + " |")
    bad = [sentence for _, colour, sentence in judged if colour != GREEN]
    first = min(certificates, key=lambda certificate: certificate.ends)
    outputs = {"days_left": (first.ends - now).days, "valid_until": f"{first.ends:%Y-%m-%dT%H:%M:%SZ}"}
    outputs["subject"] = first.subject
    if distrust is not None:
        outputs["trusted"] = "no" if distrust else "yes"
    if distrust:
        print(f"::warning::This machine does not trust the certificate: {printable(distrust)}")
        rows += ["", f"This machine does not trust the certificate: {markdown(printable(distrust))}."]
    if bad:
        print(f"::error::{len(bad)} of {len(judged)} need renewal now: {'; '.join(bad)}")
    if bad or (distrust and strict):
        headline = f"**Act:** {markdown(target)} needs attention."
    else:
        headline = f"{markdown(target)}: every certificate is good for {days} days or more."
    leave(headline, rows, outputs)
    return FINDING if bad or (distrust and strict) else FINE


def leave(headline: str, rows: list[str], outputs: dict[str, object]) -> None:
    write("OPSAAS_SUMMARY_FILE", "\n".join([headline, "", *rows, ""]))
    write("OPSAAS_OUTPUT_FILE", "".join(f"{name}={value}\n" for name, value in outputs.items()))


def write(variable: str, text: str) -> None:
    Path(os.environ.get(variable, os.devnull)).write_text(text, encoding="utf-8")


def main() -> int:
    target = os.environ["OPSAAS_PARAM_TARGET"]
    days = int(os.environ["OPSAAS_PARAM_DAYS"])
    strict = os.environ["OPSAAS_PARAM_MUST_BE_TRUSTED"] == "true"
    seconds = float(os.environ["OPSAAS_PARAM_TIMEOUT_SECONDS"])
    print(f"Certificates of {printable(target)}, to be good for {days} days or more\n")
    try:
        if target.startswith("/"):
            return report(target, from_file(target), None, days, strict)
        host, _, port = target.rpartition(":")
        host = host.strip("[]")
        name = os.environ.get("OPSAAS_PARAM_SERVER_NAME", host)
        certificate, distrust = from_server(host, int(port), name, seconds)
        return report(target, [certificate], distrust, days, strict)
    except CannotTell as error:
        print(f"::error::{error}")
        leave(f"**Could not tell:** {markdown(str(error))}", [], {})
        return UNKNOWN


if __name__ == "__main__":
    sys.exit(main())
