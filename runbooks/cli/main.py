"""The `opsaas` command."""

import os
import sys
from importlib import import_module
from typing import Annotated

import typer
from typer.completion import get_completion_inspect_parameters

from runbooks.cli.failures import Failure
from runbooks.cli.lazy import LazyGroup
from runbooks.cli.options import InsecureHttp, Url
from runbooks.cli.output import emit, say

COMPLETE = "_OPSAAS_COMPLETE"  # set by the scripts of `opsaas completion`

# Typer's pretty tracebacks show local variables, and those may hold a token.
app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    emit(import_module("runbooks.cli.installed").version())
    raise typer.Exit


@app.callback()
def opsaas(
    url: Url = None,
    insecure_http: InsecureHttp = False,
    show_version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True)] = False,
) -> None:
    """Run and define operational procedures through an opsaas server.

    Data goes to standard output, everything else to standard error. OPSAAS_URL and OPSAAS_TOKEN replace a sign-in.
    """


def main() -> None:
    if COMPLETE in os.environ:
        get_completion_inspect_parameters()  # Typer's way to register the shells it can answer
    try:
        app(prog_name="opsaas")
    except Failure as failure:
        say(str(failure))
        sys.exit(failure.exit_code)
    finally:
        _let_go_of_output()


def _let_go_of_output() -> None:
    """Whoever read standard output may have gone (`| head`): then Python's own last flush must not complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
