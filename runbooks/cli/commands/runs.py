"""Runs: looking at them, following, ending and repeating them."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from runbooks.cli.client import API, Client, Json
from runbooks.cli.follow import PATIENCE, with_follow_codes
from runbooks.cli.following import Follow, Patience, create_run, stay, tell_started
from runbooks.cli.lazy import GroupWithGaps
from runbooks.cli.names import run_path
from runbooks.cli.output import LogSink, emit, emit_json, say, shown
from runbooks.cli.session import AsJson, connect
from runbooks.cli.tables import show
from runbooks.cli.terminal import clean_line
from runbooks.cli.verdict import in_words, seconds_between

app = typer.Typer(name="runs", cls=GroupWithGaps, no_args_is_help=True)

_COLUMNS = ("id", "runbook", "status", "requested_by", "created_at")

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Its id.")]


@app.command("list")
def list_runs(
    ctx: typer.Context,
    *,
    runbook: Annotated[str | None, typer.Option(metavar="PROJECT/SLUG", help="Only those of this runbook.")] = None,
    status: Annotated[str | None, typer.Option(help="Only those with this status.")] = None,
    requested_by: Annotated[str | None, typer.Option(metavar="NAME", help="Only those of this person.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""
    query = {"runbook": runbook, "status": status, "requested_by": requested_by}
    found, more = connect(ctx).listed(f"{API}/runs", query, limit=limit)
    if as_json:
        emit_json(found)
    else:
        show(
            ["RUN", "RUNBOOK", "STATUS", "BY", "CREATED"],
            [[shown(run.get(name)) for name in _COLUMNS] for run in found],
        )
    if not found:
        say("No run that you may see fits.")
    if more:
        say(f"There are more than {limit}; ask for them with --limit.")


@app.command()
def view(ctx: typer.Context, *, run_id: RunId, as_json: AsJson = False) -> None:
    """Show a run and its steps."""
    client = connect(ctx)
    run = client.get(run_path(run_id))
    steps, _ = client.listed(f"{run_path(run_id)}/steps", {}, limit=10_000)
    if as_json:
        emit_json({**run, "steps": steps})
        return
    for label, value in _facts(run):
        emit(f"{label + ':':<12} {clean_line(value)}")
    emit("")
    show(["STEP", "NODE", "STATUS", "EXIT", "TOOK", "DETAIL"], [_step_row(step) for step in steps])


@app.command()
def follow(ctx: typer.Context, *, run_id: RunId, patience: Patience = PATIENCE, as_json: AsJson = False) -> None:
    """Print what a run prints, from its beginning to its end, and end with its exit code.

    The script's own up to 123, 124 timed out, 125 opsaas or the network failed or the run is lost, 126 not allowed,
    denied, refused, expired or cancelled, 127 no such run, 130 detached by Ctrl-C.
    """
    client = with_follow_codes(lambda: connect(ctx))
    stay(client=client, run_id=run_id, as_json=as_json, patience=patience, just_started=False)


@app.command()
def logs(
    ctx: typer.Context,
    *,
    run_id: RunId,
    step: Annotated[str | None, typer.Option(help="Only what this step printed.")] = None,
    node: Annotated[str | None, typer.Option(help="Only what was printed on this node.")] = None,
    search: Annotated[str | None, typer.Option("--search", "-q", help="Only lines with these words.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line: number, step, time, text.")] = False,
) -> None:
    """Print what a run has printed so far, byte by byte."""
    by_line = as_json or search is not None  # searching is for lines; plain text comes whole
    headers = {"Accept": "application/jsonl" if by_line else "text/plain"}
    query = {"step": step, "node": node, "q": search}
    sink = LogSink()
    with connect(ctx).stream(f"{run_path(run_id)}/log", query=query, headers=headers) as answer:
        for part in answer.iter_raw() if as_json or not by_line else _texts(answer.iter_raw()):
            sink.write(part)
    sink.finish()


@app.command()
def evidence(ctx: typer.Context, *, run_id: RunId) -> None:
    """Print all that is known of a run, as JSON: plan, content, reviews, hashes, audit events."""
    emit_json(connect(ctx).get(f"{run_path(run_id)}/evidence"))


@app.command()
def cancel(ctx: typer.Context, *, run_id: RunId, as_json: AsJson = False) -> None:
    """Stop a run and everything it started."""
    client = connect(ctx)
    client.request("POST", f"{run_path(run_id)}/cancel", body={})
    run = client.get(run_path(run_id))
    if as_json:
        emit_json(run)
    say(f"opsaas: asked to stop run {run_id}; now it is {shown(run.get('status'))}.")


@app.command()
def rerun(
    ctx: typer.Context,
    *,
    run_id: RunId,
    follow: Follow = False,
    patience: Patience = PATIENCE,
    as_json: AsJson = False,
) -> None:
    """Start the same again, as a new run that is checked anew. Prints its id, or follows it."""
    _again(ctx, path=f"{run_path(run_id)}/rerun", follow=follow, patience=patience, as_json=as_json)


@app.command()
def resume(
    ctx: typer.Context,
    *,
    run_id: RunId,
    follow: Follow = False,
    patience: Patience = PATIENCE,
    as_json: AsJson = False,
) -> None:
    """Go on from the first failed step, as a new run of the same version and values. Prints its id, or follows it."""
    _again(ctx, path=f"{run_path(run_id)}/resume", follow=follow, patience=patience, as_json=as_json)


def _again(ctx: typer.Context, *, path: str, follow: bool, patience: float, as_json: bool) -> None:
    def start() -> tuple[Client, Json]:
        client = connect(ctx)
        return client, create_run(client=client, path=path, body={}, key=None)

    client, started = with_follow_codes(start) if follow else start()
    if follow:
        stay(client=client, run_id=shown(started.get("id")), as_json=as_json, patience=patience)
    else:
        tell_started(started, as_json=as_json)


def _texts(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The lines' own text, out of one JSON object a line that may be cut anywhere."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield str(json.loads(line)["text"]).encode("utf-8", "replace") + b"\n"


def _facts(run: Json) -> list[tuple[str, str]]:
    """What is worth a line, without what is empty."""
    plain = ("id", "runbook", "version", "status", "status_detail", "exit_code", "reason")
    facts = [(name, shown(run.get(name))) for name in plain]
    facts += [("by", f"{shown(run.get('requested_by'))} ({shown(run.get('trigger'))})")]
    facts += [(label, shown(run.get(f"{label}_at"))) for label in ("created", "started", "finished")]
    parameters = run.get("parameters")
    if isinstance(parameters, dict):
        facts += [("value", f"{name}={shown(value)}") for name, value in parameters.items()]
    outputs = run.get("outputs")
    if isinstance(outputs, dict):
        facts += [
            ("output", f"{step}.{name}={shown(value)}")
            for step, found in outputs.items()
            for name, value in found.items()
        ]
    if run.get("output_complete") is False:
        facts += [("note", "part of the output is missing: it could not be stored")]
    return [(label.removeprefix("status_").replace("_", " "), value) for label, value in facts if value]


def _step_row(step: Json) -> list[str]:
    seconds = seconds_between(step.get("started_at"), step.get("finished_at"))
    took = in_words(seconds) if seconds is not None else ""
    return [
        *(shown(step.get(name)) for name in ("step", "node", "status", "exit_code")),
        took,
        shown(step.get("detail")),
    ]
