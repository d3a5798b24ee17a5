"""The published schema of definitions."""

import typer

from runbooks.cli.client import SCHEMA
from runbooks.cli.output import emit_json
from runbooks.cli.session import connect_as_anyone

app = typer.Typer()


@app.command()
def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of definitions, for editors and checks."""
    emit_json(connect_as_anyone(ctx).get(SCHEMA))
