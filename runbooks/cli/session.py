"""What every command needs to know: which server, and as whom."""

import os
import re
from typing import Annotated

import typer

from runbooks.cli import accounts
from runbooks.cli.address import checked_url
from runbooks.cli.client import Client
from runbooks.cli.failures import usage
from runbooks.cli.options import given
from runbooks.cli.problems import not_signed_in

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

_TOKEN = re.compile(r"[\x21-\x7e]+")


def server_url(ctx: typer.Context) -> str:
    typed = given(ctx)
    url = typed.url or os.environ.get("OPSAAS_URL") or accounts.usual_url()
    if not url:
        raise usage("No address of an opsaas is known. Give --url, set OPSAAS_URL, or sign in with `opsaas login`.")
    return checked_url(url, insecure_http=typed.insecure_http)


def connect(ctx: typer.Context) -> Client:
    """A client that is signed in."""
    url = server_url(ctx)
    token = os.environ.get("OPSAAS_TOKEN") or accounts.recall(url)
    if not token:
        raise not_signed_in(url)
    return Client(url=url, token=checked_token(token))


def connect_as_anyone(ctx: typer.Context) -> Client:
    """A client for what needs no sign-in."""
    return Client(url=server_url(ctx), token=None)


def checked_token(token: str) -> str:
    """Refuses, without repeating it, what could not be sent in a header."""
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        raise usage("That is no token: tokens are one word of plain letters, digits and signs, such as ops_….")
    return token
