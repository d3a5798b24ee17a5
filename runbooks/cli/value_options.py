"""How parameters are given, wherever a runbook is run."""

from typing import Annotated

import typer

Params = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; @FILE gives a text or file its content."),
]
ParamsAsJson = Annotated[
    list[str] | None,
    typer.Option("--param-json", metavar="NAME=JSON", help="A parameter as JSON, or all of them as one JSON object."),
]
