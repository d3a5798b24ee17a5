"""Where tokens rest between commands: the system's keyring, or a file that only its owner may read."""

import json
import os
import stat
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, TypedDict

from runbooks.cli.failures import Failure

IN_KEYRING = "keyring"
IN_FILE = "file"


class Account(TypedDict, total=False):
    kept_in: str
    token: str  # only of those kept in the file


class Known(TypedDict):
    """The file's content: the address to use when none is given, and who is signed in where."""

    url: str | None
    accounts: dict[str, Account]


def config_path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or ""
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "opsaas" / "config.json"


def usual_url() -> str | None:
    return _read()["url"]


def remember(*, url: str, token: str) -> str:
    """Keeps TOKEN for URL and makes URL the usual one. Returns in words where it is kept."""
    known = _read()
    in_keyring = _keyring().put(url=url, token=token)
    known["accounts"][url] = {"kept_in": IN_KEYRING} if in_keyring else {"kept_in": IN_FILE, "token": token}
    known["url"] = url
    _write(known)
    return "the system's keyring" if in_keyring else f"{config_path()} (no keyring here; only you may read that file)"


def recall(url: str) -> str | None:
    account = _read()["accounts"].get(url)
    if account is None:
        return None
    if account.get("kept_in") == IN_FILE:
        return account.get("token")
    token: str | None = _keyring().get(url)
    return token


def forget(url: str) -> bool:
    """Whether there was anything to forget."""
    known = _read()
    account = known["accounts"].pop(url, None)
    if account is None:
        return False
    if account.get("kept_in") == IN_KEYRING:
        _keyring().drop(url)
    if known["url"] == url:
        known["url"] = None
    _write(known)
    return True


def _keyring() -> Any:
    return import_module("runbooks.cli.keyring_store")


def _read() -> Known:
    path = config_path()
    try:
        with path.open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                print(f"Others may read {path}; `chmod 600` it.", file=sys.stderr)
            content = json.load(file)
        return {"url": content["url"], "accounts": dict(content["accounts"])}
    except FileNotFoundError:
        return {"url": None, "accounts": {}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        # Not the error's own text: it may quote the file.
        raise Failure(f"{path} cannot be read ({type(error).__name__}). Repair or remove it.") from None


def _write(known: Known) -> None:
    """All or nothing: mkstemp gives mode 0600, and the rename replaces the old file at once."""
    path = config_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".config-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2)
        Path(temporary).replace(path)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from error
