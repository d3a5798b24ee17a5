"""What `run`, `runs rerun` and `runs follow` have in common: staying with a run until its end."""

import uuid
from typing import Annotated

import typer

from runbooks.cli.client import Client, Json
from runbooks.cli.failures import INTERRUPTED, Failure
from runbooks.cli.follow import follow
from runbooks.cli.output import LogSink, emit, emit_json, say, shown
from runbooks.cli.verdict import exit_code_of

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Stay until the end, and end as the script does.")]
Patience = Annotated[float, typer.Option(min=0, help="Seconds to go on trying when the connection is lost.")]


def create_run(*, client: Client, path: str, body: Json, key: str | None) -> Json:
    """The new run. Repeats of a request whose answer got lost start nothing twice."""
    try:
        return client.create(path, body, key=key or uuid.uuid4().hex)
    except KeyboardInterrupt:
        text = "\nopsaas: interrupted before the server answered; the run may have started. See: opsaas runs list"
        raise Failure(text, exit_code=INTERRUPTED) from None


def tell_started(run: Json, *, as_json: bool) -> None:
    run_id = shown(run.get("id"))
    if as_json:
        emit_json(run)
    else:
        emit(run_id)
    status = shown(run.get("status")).replace("_", " ")
    detail = shown(run.get("status_detail"))
    say(f"opsaas: run {run_id} is {status}. {f'{detail} ' if detail else ''}Follow it: opsaas runs follow {run_id}")


def stay(*, client: Client, run_id: str, as_json: bool, patience: float, just_started: bool = True) -> None:
    """Follows to the end and ends the command with the code that belongs to it."""
    sink = None if as_json else LogSink()
    run = follow(client=client, run_id=run_id, sink=sink, patience=patience, just_started=just_started)
    if as_json:
        emit_json(run)
    raise typer.Exit(exit_code_of(run))
