"""Any request, for what has no command of its own."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from runbooks.cli.client import API
from runbooks.cli.failures import usage
from runbooks.cli.output import LogSink, emit_json
from runbooks.cli.session import connect

app = typer.Typer()

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@app.command()
def api(
    ctx: typer.Context,
    *,
    method: Annotated[str, typer.Argument(help="GET, POST, PUT, PATCH or DELETE.")],
    path: Annotated[str, typer.Argument(help="Such as /api/v1/me, or me for short.")],
    field: Annotated[
        list[str] | None,
        typer.Option("--field", "-f", metavar="NAME=TEXT", help="Part of the query (GET) or of the JSON body."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--input", metavar="FILE", help="The body; - for standard input.")
    ] = None,
    content_type: Annotated[str, typer.Option(help="What the body of --input is.")] = "application/json",
) -> None:
    """Send any request to the API and print the answer."""
    method = method.upper()
    if method not in METHODS:
        raise usage(f"The method is one of {', '.join(METHODS)}.")
    if field and source:
        raise usage("Give --field or --input, not both.")
    client = connect(ctx)
    fields = dict(_pair(text) for text in field or [])
    if source:
        content, headers = _read(source), {"Content-Type": content_type}
        answer = client.request(method, _full_path(path), content=content, headers=headers)
    elif method == "GET":
        answer = client.request(method, _full_path(path), query=fields)
    else:
        answer = client.request(method, _full_path(path), body=fields)
    _print(answer.content, is_json="json" in answer.headers.get("Content-Type", ""))


def _full_path(path: str) -> str:
    if "://" in path or path.startswith("//"):
        raise usage("Give a path of the API, not an address: the server is chosen by --url.")
    return path if path.startswith("/") else f"{API}/{path}"


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise usage(f"Write a field as name=text, not {text!r}.")
    return name, value


def _read(source: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise usage(f"{source} cannot be read: {error.strerror}.") from error


def _print(content: bytes, *, is_json: bool) -> None:
    """Laid out for people on a terminal, untouched in a pipe."""
    if is_json and sys.stdout.isatty():
        emit_json(json.loads(content))
        return
    sink = LogSink()
    sink.write(content)
    sink.finish()
