"""Signatures as Standard Webhooks has them (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64  # as the specification wants them


class BadSecret(ValueError):
    """What should be a signing secret is none; the text does not repeat it."""


def signed(secret: str, *, id: str, moment: str, body: bytes) -> str:
    digest = hmac.digest(key_of(secret), f"{id}.{moment}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def key_of(secret: str) -> bytes:
    """Raises BadSecret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise BadSecret(f"A signing secret is {LEAST_BYTES} to {MOST_BYTES} bytes in base64, with {PREFIX} before it.")
    return key


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
