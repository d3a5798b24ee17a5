"""Signing in and out, and who one is."""

import getpass
import os
import sys
from typing import Annotated

import typer

from runbooks.cli import accounts
from runbooks.cli.client import API, Client
from runbooks.cli.failures import Failure, usage
from runbooks.cli.options import given
from runbooks.cli.output import emit, emit_json, say
from runbooks.cli.session import AsJson, checked_token, connect, server_url

app = typer.Typer()


@app.command()
def login(
    ctx: typer.Context,
    *,
    address: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="Address of opsaas; the same as --url.")
    ] = None,
    with_token: Annotated[bool, typer.Option("--with-token", help="Read the token from standard input.")] = False,
) -> None:
    """Sign in with a token, which is checked and then kept in the keyring or in a file of your own.

    Tokens are made on your page in opsaas, or by `manage.py issue_token`.
    """
    given(ctx).url = address or given(ctx).url
    url = _asked_url(ctx, ask=not with_token)
    token = checked_token(_read_token() if with_token else _asked_token(url))
    me = Client(url=url, token=token).get(f"{API}/me")
    place = accounts.remember(url=url, token=token)
    say(f"Signed in to {url} as {name_of(me)}. The token is kept in {place}.")
    if os.environ.get("OPSAAS_TOKEN"):
        say("OPSAAS_TOKEN is set and goes before it.")


@app.command()
def logout(ctx: typer.Context) -> None:
    """Forget the token kept on this machine."""
    url = server_url(ctx)
    if accounts.forget(url):
        say(f"Signed out of {url}. The token itself holds until it expires or is revoked there.")
    else:
        say(f"No token for {url} was kept here.")
    if os.environ.get("OPSAAS_TOKEN"):
        say("OPSAAS_TOKEN is still set and goes on being used.")


@app.command()
def whoami(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Show who you are to the server."""
    me = connect(ctx).get(f"{API}/me")
    if as_json:
        emit_json(me)
    else:
        emit(name_of(me))


def name_of(me: dict[str, object]) -> str:
    return str(me.get("username") or me.get("name") or "somebody without a name")


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _asked_url(ctx: typer.Context, *, ask: bool) -> str:
    known = given(ctx).url or os.environ.get("OPSAAS_URL") or accounts.usual_url()
    if known or not (ask and _can_ask()):
        return server_url(ctx)
    given(ctx).url = typer.prompt("Address of opsaas", err=True)
    return server_url(ctx)


def _asked_token(url: str) -> str:
    if not _can_ask():
        raise usage("There is no terminal to ask on. Pipe the token in: `opsaas login --with-token < file`.")
    return getpass.getpass(f"Token for {url} (not shown): ")


def _read_token() -> str:
    token = sys.stdin.read(100_000).strip()
    if not token:
        raise Failure("Standard input held no token.")
    return token
