"""Tokens in the system's keyring. A module of its own, because loading keyring costs more than most commands."""

import keyring
from keyring.errors import KeyringError

from runbooks.cli.failures import NOT_SIGNED_IN, Failure

SERVICE = "opsaas"


def put(*, url: str, token: str) -> bool:
    """Whether the keyring took the token and gives it back: a null keyring takes everything and keeps nothing."""
    try:
        keyring.set_password(SERVICE, url, token)
        return keyring.get_password(SERVICE, url) == token
    except Exception:  # noqa: BLE001  back-ends raise errors of their own, and there is the file
        return False


def get(url: str) -> str | None:
    try:
        return keyring.get_password(SERVICE, url)
    except KeyringError as error:
        text = f"The keyring could not be read ({error}). Sign in again with `opsaas login`, or set OPSAAS_TOKEN."
        raise Failure(text, exit_code=NOT_SIGNED_IN) from error


def drop(url: str) -> None:
    try:
        keyring.delete_password(SERVICE, url)
    except KeyringError as error:
        raise Failure(f"The token is still in the keyring, which could not be opened: {error}") from error
