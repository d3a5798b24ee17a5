"""Signed notes, checkpoints and cosignatures in the forms of C2SP: signed-note, tlog-checkpoint, tlog-cosignature.

Keys are written as these specifications and Go's `note` package write them: `name+hash+base64` is public,
`PRIVATE+KEY+name+hash+base64` is private.
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519, COSIGNATURE = 1, 4  # kinds of keys and of their signatures
PRIVATE = "PRIVATE+KEY+"
NAME = re.compile(r"[^\s+]{1,200}")
SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+=*)")


class BadNote(ValueError):
    """What should be a key, a note or a signature is none; the text says why and never holds a private key."""


@dataclass(frozen=True)
class PublicKey:
    name: str
    kind: int
    key: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.key).decode()}"


@dataclass(frozen=True)
class SigningKey:
    name: str
    seed: bytes = field(repr=False)

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def public(self, kind: int = ED25519) -> PublicKey:
        return PublicKey(self.name, kind, self.private.public_key().public_bytes_raw())

    def written(self) -> str:
        data = base64.b64encode(bytes([ED25519]) + self.seed).decode()
        return f"{PRIVATE}{self.name}+{self.public().id.hex()}+{data}"


@dataclass(frozen=True)
class Signature:
    name: str
    key_id: bytes
    data: bytes  # for a cosignature the time in eight bytes, then the signature

    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.data).decode()}"


def new_signing_key(name: str) -> str:
    """A new private key, as it is kept in OPSAAS_AUDIT_KEYS. Raises BadNote."""
    if not NAME.fullmatch(name):
        raise BadNote("A key's name has no spaces and no plus signs, and at most 200 characters.")
    return SigningKey(name, secrets.token_bytes(32)).written()


def read_signing_key(text: str) -> SigningKey:
    """Raises BadNote."""
    if not text.startswith(PRIVATE):
        raise BadNote("a signing key begins with PRIVATE+KEY+")
    name, key_id, data = _parts(text.removeprefix(PRIVATE))
    key = SigningKey(name, data[1:])
    if data[0] != ED25519 or key.public().id != key_id:
        raise BadNote("a signing key is damaged: its hash is not that of its content")
    return key


def read_public_key(text: str) -> PublicKey:
    """Raises BadNote."""
    name, key_id, data = _parts(text)
    key = PublicKey(name, data[0], data[1:])
    if key.kind not in (ED25519, COSIGNATURE) or key.id != key_id:
        raise BadNote("a public key is damaged, or of a kind that is not known here")
    return key


def _parts(text: str) -> tuple[str, bytes, bytes]:
    try:
        name, key_id, data = text.split("+", 2)
        found = name, bytes.fromhex(key_id), base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        raise BadNote("a key is written name+hash+base64") from None
    if not NAME.fullmatch(name) or len(found[1]) != 4 or len(found[2]) != 33:
        raise BadNote("a key is written name+hash+base64, with a hash of 8 digits and 33 bytes of key")
    return found


def checkpoint_body(*, origin: str, size: int, root: bytes) -> str:
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def signed(body: str, *, keys: Sequence[SigningKey], at: datetime) -> str:
    """The note: each key signs the body, and cosigns it, which adds the time."""
    lines = [line for key in keys for line in (_sign(body, key=key), cosign(body, key=key, at=at))]
    return "\n".join([body, *map(str, lines), ""])


def _sign(body: str, *, key: SigningKey) -> Signature:
    return Signature(key.name, key.public().id, key.private.sign(body.encode()))


def cosign(body: str, *, key: SigningKey, at: datetime) -> Signature:
    """What a witness says of a checkpoint, cosignature/v1."""
    moment = int(at.timestamp())
    signature = key.private.sign(_cosigned(body, moment))
    return Signature(key.name, key.public(COSIGNATURE).id, moment.to_bytes(8, "big") + signature)


def read_signatures(lines: str) -> list[Signature]:
    """Raises BadNote where a line is none."""
    return [_signature(line) for line in lines.splitlines() if line]


def _signature(line: str) -> Signature:
    found = SIGNATURE.fullmatch(line)
    try:
        data = base64.b64decode(found["signature"], validate=True) if found else b""
    except binascii.Error:
        data = b""
    if found is None or len(data) < 5:
        raise BadNote("a signature is written “— name base64”")
    return Signature(found["name"], data[:4], data[4:])


def cosigned_at(
    body: str, *, signature: Signature, witnesses: Iterable[PublicKey]
) -> tuple[PublicKey, datetime] | None:
    """Which of the witnesses said so, and when; None where it was none of them."""
    for witness in witnesses:
        if (witness.name, witness.id, witness.kind) != (signature.name, signature.key_id, COSIGNATURE):
            continue
        if len(signature.data) != 72:
            return None
        moment = int.from_bytes(signature.data[:8], "big")
        try:
            Ed25519PublicKey.from_public_bytes(witness.key).verify(signature.data[8:], _cosigned(body, moment))
            return witness, datetime.fromtimestamp(moment, tz=UTC)
        except (InvalidSignature, ValueError, OverflowError):
            return None
    return None


def _cosigned(body: str, moment: int) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{body}".encode()
