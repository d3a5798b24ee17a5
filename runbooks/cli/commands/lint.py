"""Checking definitions without sending them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry

from runbooks.cli.client import SCHEMA
from runbooks.cli.definitions import Local, read_definitions
from runbooks.cli.failures import ERROR, Failure
from runbooks.cli.output import emit, say
from runbooks.cli.session import connect_as_anyone
from runbooks.cli.values import read_text

app = typer.Typer()


@app.command()
def lint(
    ctx: typer.Context,
    *,
    places: Annotated[list[Path], typer.Argument(metavar="FILE|DIR…", help="Definitions, or folders of them.")],
    schema: Annotated[Path | None, typer.Option(help="A schema kept from `opsaas schema`, to work offline.")] = None,
) -> None:
    """Check definitions on this machine against the schema that the server publishes.

    Nothing is sent. `apply` finds more: the server also checks what no schema can say.
    """
    found = read_definitions(places)
    validator = _validator(_kept(schema) if schema else connect_as_anyone(ctx).get(SCHEMA))
    problems = [problem for local in found for problem in _problems(validator, local)]
    for problem in problems:
        emit(problem)
    if problems:
        raise typer.Exit(ERROR)
    say(f"Nothing is wrong with {len(found)} {'definition' if len(found) == 1 else 'definitions'}.")


def _kept(path: Path) -> Any:
    try:
        return json.loads(read_text(str(path)))
    except ValueError:
        raise Failure(f"{path} is not JSON.") from None


def _validator(schema: Any) -> Draft202012Validator:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise Failure(f"The schema itself is broken: {error.message}") from None
    # An empty registry: references to other addresses are not fetched.
    return Draft202012Validator(schema, registry=Registry())


def _problems(validator: Draft202012Validator, local: Local) -> Iterator[str]:
    for error in sorted(validator.iter_errors(local.data), key=lambda one: [str(part) for part in one.absolute_path]):
        # Of several forms that a value could take, the nearest one tells most.
        nearest = best_match([error]) or error
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in nearest.absolute_path)
        yield f"{local.path}: {pointer or '(the whole)'}: {_short(nearest.message)}"


def _short(message: str, most: int = 300) -> str:
    message = " ".join(message.split())
    return message if len(message) <= most else f"{message[:most]}…"
