"""Names that people type, turned into paths of the API."""

import re
from urllib.parse import quote

from runbooks.cli.client import API
from runbooks.cli.failures import usage

_RUNBOOK = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*")


def checked_runbook(name: str) -> str:
    if not _RUNBOOK.fullmatch(name):
        raise usage(f"Name a runbook as PROJECT/SLUG, such as payments/drain-worker, not {name!r}.")
    return name


def runbook_path(name: str) -> str:
    return f"{API}/runbooks/{checked_runbook(name)}"


def run_path(run_id: str) -> str:
    if not run_id.strip() or run_id in (".", ".."):
        raise usage("Name a run by its id; `opsaas runs list` shows them.")
    return f"{API}/runs/{quote(run_id, safe='')}"
