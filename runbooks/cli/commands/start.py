"""Starting a run."""

from typing import Annotated

import typer

from runbooks.cli.client import API, Client, Json
from runbooks.cli.failures import usage
from runbooks.cli.follow import PATIENCE, with_follow_codes
from runbooks.cli.following import Follow, Patience, create_run, stay, tell_started
from runbooks.cli.names import runbook_path
from runbooks.cli.output import emit_json, shown
from runbooks.cli.session import AsJson, connect
from runbooks.cli.value_options import Params, ParamsAsJson
from runbooks.cli.values import typed_values

app = typer.Typer()


@app.command()
def run(
    ctx: typer.Context,
    *,
    runbook: Annotated[str, typer.Argument(metavar="PROJECT/SLUG")],
    params: Params = None,
    params_as_json: ParamsAsJson = None,
    follow: Follow = False,
    reason: Annotated[str | None, typer.Option(help="Why; some runbooks ask for it.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="Another version than the published one.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key twice starts one run.")] = None,
    patience: Patience = PATIENCE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show as JSON what would happen; start nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start a runbook.

    Prints the new run's id. With --follow, prints what the run prints and ends with its exit code: the script's own up
    to 123, 124 timed out, 125 opsaas or the network failed, 126 not allowed, 127 no such runbook, 130 detached by
    Ctrl-C. With --json as well, prints only the run as it ended.
    """
    if dry_run and follow:
        raise usage("Give --dry-run or --follow, not both: a dry run starts nothing that could be followed.")

    def start() -> tuple[Client, Json]:
        client = connect(ctx)
        wanted: Json = {"runbook": runbook, "parameters": _values(client, runbook, params, params_as_json)}
        optional = {"reason": reason, "version": version, "dry_run": dry_run or None}
        wanted |= {name: value for name, value in optional.items() if value is not None}
        return client, create_run(client=client, path=f"{API}/runs", body=wanted, key=idempotency_key)

    client, answer = with_follow_codes(start) if follow else start()
    if follow:
        stay(client=client, run_id=shown(answer.get("id")), as_json=as_json, patience=patience)
    elif dry_run:
        emit_json(answer)
    else:
        tell_started(answer, as_json=as_json)


def _values(client: Client, runbook: str, given: list[str] | None, as_json: list[str] | None) -> dict[str, object]:
    parameters = client.get(runbook_path(runbook)).get("parameters")
    known = parameters if isinstance(parameters, list) else []
    return typed_values(given=given or [], as_json=as_json or [], parameters=known)
