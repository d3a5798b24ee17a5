"""The options that are understood before and after the name of any command."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer


@dataclass
class Given:
    url: str | None = None
    insecure_http: bool = False


def _take_url(ctx: typer.Context, value: str | None) -> None:
    if value is not None:
        given(ctx).url = value


def _take_insecure_http(ctx: typer.Context, value: bool) -> None:
    if value:
        given(ctx).insecure_http = True


Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Address of opsaas; else OPSAAS_URL, else that of the last sign-in.",
        callback=_take_url,
        expose_value=False,
    ),
]
InsecureHttp = Annotated[
    bool,
    typer.Option(
        "--insecure-http",
        help="Send the token over plain HTTP to another machine.",
        callback=_take_insecure_http,
        expose_value=False,
    ),
]


def given(ctx: typer.Context) -> Given:
    """What the person gave so far, kept at the root so that the last one named wins."""
    root = ctx.find_root()
    if not isinstance(root.obj, Given):
        root.obj = Given()
    return root.obj


def prepare(command: Any) -> None:
    """Gives COMMAND, or all below it if it is a group, the shared options and help in plain text: quicker, and the
    same everywhere."""
    command.rich_markup_mode = None
    below = getattr(command, "commands", None)
    if below is None:
        command.params.extend(_shared_parameters())
        return
    for inner in below.values():
        prepare(inner)


def _shared_parameters() -> list[Any]:
    """Made by Typer itself out of a command that nobody calls: its parameter classes are not public."""
    app = typer.Typer()

    @app.command()
    def template(url: Url = None, insecure_http: InsecureHttp = False) -> None: ...

    command: Any = typer.main.get_command(app)
    return [parameter for parameter in command.params if parameter.name in ("url", "insecure_http")]
