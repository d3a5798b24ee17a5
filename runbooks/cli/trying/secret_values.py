"""The secrets that steps name, given by the author: from a file, from a variable or at a prompt, never on the command
line, where every program of the machine could read them."""

import getpass
import os
import sys
from collections.abc import Iterable, Mapping, Sequence

from runbooks.cli.failures import OPSAAS_FAILED, Failure, usage
from runbooks.cli.values import read_text
from runbooks.domain.definition import Definition, Step


def secret_values(
    *, definitions: Iterable[Definition], given: Sequence[str], steps: Sequence[Step]
) -> Mapping[str, str]:
    """Values by path of the secrets of STEPS. GIVEN are NAME=@FILE, NAME being the variable of any step of the
    DEFINITIONS."""
    files = dict(map(_file, given))
    known = {use.name for definition in definitions for step in definition.steps for use in step.secrets}
    if unknown := sorted(files.keys() - known):
        raise usage(f"No step has a secret {', '.join(unknown)}. There is {', '.join(sorted(known)) or 'none'}.")
    values: dict[str, str] = {}
    missing: dict[str, str] = {}
    for use in (use for step in steps for use in step.secrets):
        if use.path in values:
            continue
        value = read_text(files[use.name]) if use.name in files else os.environ.get(use.name) or _asked(use.name)
        if value:
            values[use.path] = value
        else:
            missing[use.path] = use.name
    if wanting := [f"{name} (for {path})" for path, name in missing.items() if path not in values]:
        raise Failure(
            f"These secrets are missing: {', '.join(wanting)}. Give each as --secret NAME=@FILE, or set the variable.",
            exit_code=OPSAAS_FAILED,
        )
    return values


def _file(given: str) -> tuple[str, str]:
    name, _, source = given.partition("=")
    if not name or not source.startswith("@"):
        raise usage("Write a secret as NAME=@FILE: a value on the command line would show in `ps`.")
    return name, source[1:]


def _asked(name: str) -> str:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    return getpass.getpass(f"{name} (not shown): ", stream=sys.stderr)
