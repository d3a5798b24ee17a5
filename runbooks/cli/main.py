"""The `opsaas` command."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from runbooks.cli.failures import Failure
from runbooks.cli.lazy import LazyGroup
from runbooks.cli.options import InsecureHttp, Url
from runbooks.cli.output import emit, say

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
    try:
        emit(version("opsaas"))
    except PackageNotFoundError:
        emit("not installed as a package")
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
