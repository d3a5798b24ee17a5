"""Runbooks as code: a folder of definitions here, versions there."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from runbooks.cli.client import Client, Json, as_object
from runbooks.cli.definitions import Local, canonical, read_definitions, take_scripts_out
from runbooks.cli.failures import CHANGES, Failure, usage
from runbooks.cli.names import checked_runbook, runbook_path
from runbooks.cli.output import emit, emit_json, say, shown
from runbooks.cli.problems import Refused
from runbooks.cli.session import AsJson, connect
from runbooks.cli.tables import show
from runbooks.cli.yaml_write import write_yaml

app = typer.Typer()

Places = Annotated[list[Path], typer.Argument(metavar="FILE|DIR…", help="Definitions, or folders of them.")]


@app.command()
def apply(
    ctx: typer.Context,
    *,
    places: Places,
    submit: Annotated[bool, typer.Option("--submit", help="Submit what is a draft for review.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send definitions to the server, each as a draft. What is there already makes no new version."""
    found = read_definitions(places)
    client = connect(ctx)
    versions, failures = [], []
    for local in found:
        try:
            versions.append(_apply(client, local, submit=submit))
        except Refused as refusal:
            failures.append(Failure(f"{local.path}: {refusal}", exit_code=refusal.exit_code))
    if as_json:
        emit_json(versions)
    else:
        columns = ("runbook", "number", "state", "hash", "result")
        show(["RUNBOOK", "VERSION", "STATE", "HASH", "RESULT"], [[shown(v.get(c)) for c in columns] for v in versions])
    if failures:
        raise Failure("\n".join(map(str, failures)), exit_code=max(failure.exit_code for failure in failures))


@app.command()
def plan(ctx: typer.Context, *, places: Places, as_json: AsJson = False) -> None:
    """Show what `apply` would change, against the newest versions. Ends with 0 for nothing and 2 for changes."""
    found = read_definitions(places)
    client = connect(ctx)
    changes = [change for local in found for change in _change(client, local)]
    if as_json:
        emit_json(changes)
    else:
        for change in changes:
            emit(f"{change['change']} {change['runbook']}\n{change['diff']}")
    say(f"{len(changes)} of {len(found)} would change." if changes else "Nothing to do.")
    if changes:
        raise typer.Exit(CHANGES)


@app.command()
def pull(
    ctx: typer.Context,
    *,
    runbooks: Annotated[list[str], typer.Argument(metavar="PROJECT/SLUG…")],
    folder: Annotated[Path | None, typer.Option("--dir", help="Write SLUG.yaml and its scripts there.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="This version instead of the newest.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that differ.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the definition of a runbook's newest version: to standard output as one file, or into a folder."""
    if len(runbooks) > 1 and folder is None:
        raise usage("To fetch several runbooks, name a folder for them with --dir.")
    if as_json and folder is not None:
        raise usage("Give --json or --dir, not both: files are YAML.")
    client = connect(ctx)
    for name in map(checked_runbook, runbooks):
        definition = _definition(client, name, version)
        if folder is not None:
            _write(definition, folder=folder, slug=name.partition("/")[2], force=force)
        elif as_json:
            emit_json(definition)
        else:
            emit(write_yaml(definition).rstrip("\n"))


def _apply(client: Client, local: Local, *, submit: bool) -> Json:
    checked_runbook(local.runbook)
    path = runbook_path(local.runbook)
    answer = client.request("PUT", f"{path}/draft", body=local.data)
    version = as_object(answer)
    if submit and version.get("state") == "draft":
        version = client.post(f"{path}/versions/{version['number']}/submit", {})
    return {**version, "result": "new" if answer.status_code == 201 else "unchanged"}


def _change(client: Client, local: Local) -> Iterator[Json]:
    try:
        there: Any = _definition(client, local.runbook, None)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        there = None
    if there is not None and canonical(there) == canonical(local.data):
        return
    old = write_yaml(there).splitlines() if there is not None else []
    new = write_yaml(local.data).splitlines()
    lines = difflib.unified_diff(old, new, f"{local.runbook} on the server", str(local.path), lineterm="")
    yield {"runbook": local.runbook, "change": "update" if there is not None else "create", "diff": "\n".join(lines)}


def _definition(client: Client, runbook: str, number: int | None) -> dict[str, Any]:
    """Of one version; without a number of the newest, published or not."""
    path = runbook_path(runbook)
    if number is None:
        newest, _ = client.listed(f"{path}/versions", {}, limit=1)
        if not newest:
            raise Failure(f"{runbook} has no version yet.")
        number = int(str(newest[0]["number"]))
    definition = client.get(f"{path}/versions/{number}").get("definition")
    if not isinstance(definition, dict):
        raise Failure(f"The server keeps no definition of {runbook}, version {number}.")
    return definition


def _write(definition: dict[str, Any], *, folder: Path, slug: str, force: bool) -> None:
    data, files = take_scripts_out(definition, folder=slug)
    files[f"{slug}.yaml"] = write_yaml(data)
    contents = {folder / name: text.encode() for name, text in files.items()}
    if not force and (other := [path for path, text in contents.items() if _differs(path, text)]):
        raise Failure(f"{', '.join(map(str, other))} would be replaced by something else. Allow it with --force.")
    for path, text in contents.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        except OSError as error:
            raise Failure(f"{path} cannot be written: {error.strerror}.") from error
    say(f"Wrote {', '.join(map(str, contents))}.")


def _differs(path: Path, text: bytes) -> bool:
    try:
        return path.read_bytes() != text
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from error
