"""Asking before doing."""

from typing import Annotated

import typer

from runbooks.cli.client import API, Json
from runbooks.cli.failures import ERROR
from runbooks.cli.output import emit, emit_json
from runbooks.cli.session import AsJson, connect

app = typer.Typer()


@app.command("can-i")
def can_i(
    ctx: typer.Context,
    *,
    right: Annotated[str, typer.Argument(help="view, run, see_output, edit, review, approve, grant, audit, …")],
    thing: Annotated[str, typer.Argument(metavar="OBJECT", help="installation, project:SLUG or PROJECT/SLUG.")],
    principal: Annotated[str | None, typer.Option("--as", help="Ask for somebody else: user:NAME.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask whether you may do something, and why (not). Ends with 0 for yes and 1 for no."""
    asked: Json = {"action": right, "object": _full_name(thing)}
    if principal:
        asked["as"] = principal
    answer = connect(ctx).post(f"{API}/authz/check", asked)
    allowed = answer.get("allowed") is True
    if as_json:
        emit_json(answer)
    else:
        emit("yes" if allowed else "no")
        reasons = answer.get("reasons")
        for reason in reasons if isinstance(reasons, list) else []:
            emit(f"  - {reason}")
    if not allowed:
        raise typer.Exit(ERROR)


def _full_name(thing: str) -> str:
    return f"runbook:{thing}" if "/" in thing and ":" not in thing else thing
