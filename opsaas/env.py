"""Typed readers of the environment that fail loudly: a wrong value stops the start, naming the variable."""

import os
import re
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from runbooks.domain.addresses import Allowed, BadNetwork, read_allowed
from runbooks.domain.guardrails import Each, Rate, rate_of
from runbooks.domain.secrecy.sealing import BadKeys, Keyring, new_key, read_keyring
from runbooks.domain.signed_notes import (
    COSIGNATURE,
    BadNote,
    PublicKey,
    SigningKey,
    new_signing_key,
    read_public_key,
    read_signing_key,
)
from runbooks.outposts.addresses import BadPlace, PlaceAddress, read_place


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def flag(name: str, *, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None or value == "":
        return default
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}: give 1 or 0")


def whole_number(name: str, default: int, *, least: int = 0) -> int:
    value = os.environ.get(name, "") or str(default)
    if not re.fullmatch(r"-?[0-9]+", value) or int(value) < least:
        raise ImproperlyConfigured(f"{name} is {value!r}: give a whole number of at least {least}")
    return int(value)


def seconds(name: str, default: float) -> float:
    value = os.environ.get(name, "") or str(default)
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 < number < 10**9:
        raise ImproperlyConfigured(f"{name} is {value!r}: give a number of seconds above 0")
    return number


def rate(name: str, each: Each) -> list[Rate]:
    """ "60/1h"; nothing where there is none."""
    value = os.environ.get(name, "")
    found = rate_of(value, each=each) if value else None
    if value and found is None:
        raise ImproperlyConfigured(f"{name} is {value!r}: give a number of runs and a time, such as 60/1h")
    return [found] if found else []


def folder(name: str, default: Path | None) -> Path | None:
    value = os.environ.get(name)
    return Path(value).absolute() if value else default


def words(name: str, default: str = "") -> list[str]:
    return [word for word in re.split(r"[,\s]+", os.environ.get(name, default)) if word]


def allowed_hosts(name: str) -> Allowed:
    """Hosts, "host:port" and networks that may be called although they are not public."""
    try:
        return read_allowed(words(name))
    except BadNetwork as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def one_of(name: str, values: list[str], *, default: str) -> str:
    value = os.environ.get(name) or default
    if value not in values:
        raise ImproperlyConfigured(f"{name} is {value!r}: give one of {', '.join(values)}")
    return value


def folders(name: str) -> tuple[str, ...]:
    """Absolute paths of folders, links resolved."""
    found = tuple(os.path.realpath(word) if word.startswith("/") else word for word in words(name))
    wrong = [word for word in found if not word.startswith("/") or word == "/"]
    if wrong:
        raise ImproperlyConfigured(
            f"{name} names {wrong[0]!r}: give absolute paths of folders, and not all of the machine"
        )
    return found


def numbers(name: str, default: str, *, least: int) -> tuple[int, int]:
    """First and last of a range, such as 2000000000-2000004095."""
    value = os.environ.get(name) or default
    found = re.fullmatch(r"([0-9]{1,10})-([0-9]{1,10})", value)
    first, last = (int(number) for number in found.groups()) if found else (0, -1)
    if not least <= first <= last < 2**32 - 1:
        raise ImproperlyConfigured(f"{name} is {value!r}: give first and last, such as {default}, from {least} on")
    return first, last


def secret(name: str, *, fallback: Path | None, make: Callable[[], str] = partial(secrets.token_urlsafe, 50)) -> str:
    """The value of NAME, or of the file that NAME_FILE names, or of FALLBACK, which is made where it is missing."""
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        value = Path(path).read_text().strip()
        if not value:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which is empty")
        return value
    if fallback is None:
        raise ImproperlyConfigured(f"{name} or {name}_FILE is needed: opsaas does not start without a key")
    return _kept_in(fallback, make)


def keyring(name: str, *, fallback: Path | None) -> Keyring:
    """Master keys, the current one first, as `secret` finds them."""
    try:
        return read_keyring(secret(name, fallback=fallback, make=new_key).split())
    except BadKeys as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def signing_keys(name: str, *, fallback: Path | None, origin: str) -> tuple[SigningKey, ...]:
    """Keys that sign the log's checkpoints, as `secret` finds them; none where nothing names any."""
    if fallback is None and not (os.environ.get(name) or os.environ.get(f"{name}_FILE")):
        return ()
    try:
        text = secret(name, fallback=fallback, make=partial(new_signing_key, origin))
        keys = tuple(read_signing_key(word) for word in text.split())
    except BadNote as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None
    if len({key.name for key in keys}) != 1:
        raise ImproperlyConfigured(f"{name}: all keys of a log have one name, which is the log's own")
    return keys


def public_keys(name: str) -> tuple[PublicKey, ...]:
    """Keys of witnesses, as C2SP's signed-note writes them."""
    try:
        keys = tuple(read_public_key(word) for word in words(name))
    except BadNote as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None
    if wrong := [key.name for key in keys if key.kind != COSIGNATURE]:
        raise ImproperlyConfigured(f"{name}: the key of {wrong[0]} is not one that cosigns")
    return keys


def places(name: str) -> tuple[PlaceAddress, ...]:
    """Places outside, to which the log is told."""
    try:
        return tuple(read_place(word) for word in os.environ.get(name, "").split())
    except BadPlace as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def _kept_in(path: Path, make: Callable[[], str]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        value = make()
        file.write(value)
    return value
