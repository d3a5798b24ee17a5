"""The audit log."""

from typing import Annotated

import typer

from runbooks.cli.client import API, Json
from runbooks.cli.lazy import GroupWithGaps
from runbooks.cli.output import emit_json, say, shown
from runbooks.cli.session import AsJson, connect
from runbooks.cli.tables import show

app = typer.Typer(name="audit", cls=GroupWithGaps, no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Search the audit log."""


@app.command()
def search(
    ctx: typer.Context,
    *,
    words: Annotated[list[str] | None, typer.Argument(help="Words to look for.")] = None,
    thing: Annotated[str | None, typer.Option("--object", help="Id of what was acted upon.")] = None,
    actor: Annotated[str | None, typer.Option(help="Name of who acted.")] = None,
    action: Annotated[str | None, typer.Option(help="Such as run.requested.")] = None,
    outcome: Annotated[str | None, typer.Option(help="done, denied or failed.")] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Not before this moment.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before this moment.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Search audit events, the newest first."""
    query = {"object": thing, "actor": actor, "action": action, "outcome": outcome, "from": since, "to": until}
    found, more = connect(ctx).listed(f"{API}/audit/events", {**query, "q": " ".join(words or []) or None}, limit=limit)
    if as_json:
        emit_json(found)
    else:
        show(["SEQ", "TIME", "ACTOR", "ACTION", "OBJECT", "OUTCOME", "REASON"], [_row(event) for event in found])
    if more:
        say(f"There are more than {limit}; ask for them with --limit.")


def _row(event: Json) -> list[str]:
    thing = event.get("object")
    named = f"{thing.get('type')}:{thing.get('name') or thing.get('id')}" if isinstance(thing, dict) else shown(thing)
    actor = event.get("actor")
    who = shown(actor.get("name")) if isinstance(actor, dict) else shown(actor)
    known = [shown(event.get(name)) for name in ("seq", "time")]
    return [*known, who, shown(event.get("action")), named, shown(event.get("outcome")), shown(event.get("reason"))]
