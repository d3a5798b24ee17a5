"""Envelope encryption: a random data key per value, wrapped by a master key that is kept elsewhere.

Rotating master keys wraps data keys anew and never touches a value. Opening a value again is `domain/unsealing.py`,
which only the worker's path may import.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class BadKeys(ValueError):
    """What should be master keys is none."""


class CannotOpen(Exception):
    """The master key is not here, or what is stored was changed."""


@dataclass(frozen=True)
class Sealed:
    """A value as it is stored. Each part begins with its nonce."""

    key_id: str  # of the master key
    wrapped_key: bytes
    content: bytes


@dataclass(frozen=True, repr=False)
class Keyring:
    """Master keys by id; the first is current, the others open what they once wrapped."""

    current: str
    keys: Mapping[str, bytes]

    def key(self, key_id: str) -> bytes:
        try:
            return self.keys[key_id]
        except KeyError:
            detail = f"The master key {key_id} is not among OPSAAS_SECRETS_KEYS of this process"
            raise CannotOpen(f"{detail}: put it back until everything is wrapped by another.") from None


def read_keyring(words: Iterable[str]) -> Keyring:
    """WORDS are keys as `new_key` makes them. Raises BadKeys, which does not repeat them."""
    keys = [_decoded(number, word) for number, word in enumerate(words, start=1)]
    if not keys:
        raise BadKeys("there is no key")
    by_id = {key_id_of(key): key for key in keys}
    return Keyring(current=key_id_of(keys[0]), keys=by_id)


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode().rstrip("=")


def key_id_of(key: bytes) -> str:
    """A name that tells nothing of the key."""
    return hashlib.sha256(b"opsaas master key\0" + key).hexdigest()[:16]


def seal(text: str, *, context: str, keyring: Keyring) -> Sealed:
    """CONTEXT names the place where it will be kept: it opens nowhere else."""
    data_key = secrets.token_bytes(KEY_BYTES)
    content = _encrypted(data_key, text.encode(), f"value of {context}")
    return Sealed(keyring.current, wrap(data_key, context=context, keyring=keyring), content)


def rewrap(sealed: Sealed, *, context: str, keyring: Keyring) -> Sealed:
    """The same value under the current master key. Raises CannotOpen."""
    data_key = unwrap(sealed, context=context, keyring=keyring)
    return replace(sealed, key_id=keyring.current, wrapped_key=wrap(data_key, context=context, keyring=keyring))


def wrap(data_key: bytes, *, context: str, keyring: Keyring) -> bytes:
    about = f"data key of {context} under {keyring.current}"
    return _encrypted(keyring.key(keyring.current), data_key, about)


def unwrap(sealed: Sealed, *, context: str, keyring: Keyring) -> bytes:
    return decrypted(keyring.key(sealed.key_id), sealed.wrapped_key, f"data key of {context} under {sealed.key_id}")


def decrypted(key: bytes, sealed: bytes, about: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError):
        raise CannotOpen("What is stored does not open: it was changed, moved or cut.") from None


def _encrypted(key: bytes, data: bytes, about: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, about.encode())


def _decoded(number: int, word: str) -> bytes:
    try:
        key = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise BadKeys(f"key {number} is not 32 bytes in base64: `manage.py make_secrets_key` makes one")
    return key
