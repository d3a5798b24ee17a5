"""The audit log."""

import base64
import json
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from runbooks.audit import verifier
from runbooks.cli.client import API, Json
from runbooks.cli.failures import Failure
from runbooks.cli.lazy import GroupWithGaps
from runbooks.cli.output import emit, emit_json, say, shown
from runbooks.cli.session import AsJson, connect
from runbooks.cli.tables import show

EXPORT = f"{API}/audit/export"

app = typer.Typer(name="audit", cls=GroupWithGaps, no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Search the audit log, and verify it."""


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


@app.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write it; must not exist yet.")],
) -> None:
    """Take the whole log along, with its checkpoints, for `opsaas audit verify`."""
    with connect(ctx).stream(EXPORT, headers={}) as answer, _new(file) as out:
        for data in answer.iter_bytes():
            out.write(data)
    say(f"Wrote {file}.")


@app.command()
def verify(
    ctx: typer.Context,
    *,
    file: Annotated[Path | None, typer.Argument(help="An export; without one, the server's log is fetched.")] = None,
    key: Annotated[list[str] | None, typer.Option(help="The log's public key, noted earlier.")] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A file of checkpoints that was kept elsewhere.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a log on this machine: exit status 1 where it is not whole."""
    try:
        keys = [verifier.read_key(text) for text in key or []]
        kept = [one for path in checkpoint or [] for one in verifier.read_kept(path.read_text())]
        if file:
            report = verifier.verify(verifier.read_records(file), keys=keys, kept=kept)
        else:
            with connect(ctx).stream(EXPORT, headers={}) as answer:
                report = verifier.verify(map(json.loads, answer.iter_lines()), keys=keys, kept=kept)
    except (verifier.NotAnExport, OSError, ValueError) as error:
        raise Failure(f"This can't be verified: {error}") from error
    if as_json:
        emit_json(_told(report))
    else:
        emit("\n".join(verifier.told(report)))
    if not report.whole:
        raise typer.Exit(1)


def _new(file: Path) -> BinaryIO:
    try:
        return file.open("xb")
    except OSError as error:
        raise Failure(f"{file} can't be written: {error.strerror}.") from error


def _told(report: verifier.Report) -> Json:
    return {
        "whole": report.whole,
        "events": report.events,
        "root": base64.b64encode(report.root).decode(),
        "findings": [{"seq": one.seq, "what": one.what} for one in report.findings],
        "more_findings": report.more,
        "checkpoints": report.checkpoints,
        "signed": report.signed,
        "dropped": report.dropped,
        "drops": [str(drop) for drop in report.drops],
        "cosigned_by": sorted(report.cosigned),
        "keys_are_claimed": report.keys_are_claimed,
    }
