"""Approvals: what waits for somebody's yes, and giving it."""

from typing import Annotated

import typer

from runbooks.cli.client import API, Client, Json
from runbooks.cli.names import run_path
from runbooks.cli.output import emit, emit_json, say, shown
from runbooks.cli.session import AsJson, connect
from runbooks.cli.tables import show
from runbooks.cli.terminal import clean_line

app = typer.Typer(name="approvals", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Its id.")]
PlanHash = Annotated[
    str | None, typer.Option("--hash", help="The plan that you have read; another one is refused. Else it is shown.")
]
_COLUMNS = ("run", "runbook", "requested_by", "waits_for", "expires_at")


@app.command("list")
def list_approvals(
    ctx: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what waits for others.")] = False,
    past: Annotated[bool, typer.Option("--past", help="What no longer waits, newest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the runs that wait for your approval, the most urgent first."""
    whom = "nobody" if past else None if everything else "me"
    found, _ = connect(ctx).listed(f"{API}/approvals", {"waiting_for": whom}, limit=200)
    if as_json:
        emit_json(found)
        return
    if past:
        columns = ("run", "runbook", "requested_by", "status", "created_at")
        show(["RUN", "RUNBOOK", "BY", "STATUS", "ASKED"], [[shown(one.get(name)) for name in columns] for one in found])
    else:
        heads = ["RUN", "RUNBOOK", "BY", "WAITS FOR", "UNTIL"]
        show(heads, [[shown(one.get(name)) for name in _COLUMNS] for one in found])
    if not found:
        say("Nothing is over yet." if past else "Nothing waits." if everything else "Nothing waits for you.")


@app.command()
def approve(
    ctx: typer.Context,
    *,
    run_id: RunId,
    comment: Annotated[str, typer.Option(help="Whoever asked for it reads this.")] = "",
    plan_hash: PlanHash = None,
    as_json: AsJson = False,
) -> None:
    """Approve exactly the plan that a run waits with. It is printed first."""
    _decide(ctx, run_id=run_id, verdict="approve", comment=comment, plan_hash=plan_hash, as_json=as_json)


@app.command()
def deny(
    ctx: typer.Context,
    *,
    run_id: RunId,
    comment: Annotated[str, typer.Option(help="Why not: whoever asked for it reads this.")],
    plan_hash: PlanHash = None,
    as_json: AsJson = False,
) -> None:
    """Deny a run: it never starts."""
    _decide(ctx, run_id=run_id, verdict="reject", comment=comment, plan_hash=plan_hash, as_json=as_json)


def _decide(
    ctx: typer.Context, *, run_id: str, verdict: str, comment: str, plan_hash: str | None, as_json: bool
) -> None:
    client = connect(ctx)
    digest = plan_hash or _shown_plan(client, run_id)
    body: Json = {"verdict": verdict, "comment": comment, "plan_hash": digest}
    run = client.post(f"{run_path(run_id)}/approval", body)
    if as_json:
        emit_json(run)
    else:
        emit(shown(run.get("status")))
    said = "denied" if verdict == "reject" else "approved"
    say(f"opsaas: you {said} run {run_id}; now it is {shown(run.get('status')).replace('_', ' ')}.")


def _shown_plan(client: Client, run_id: str) -> str:
    """The hash of what is told now: should it be another by the time the verdict comes, that is refused."""
    asked = client.get(f"{run_path(run_id)}/approval")
    parameters, targets, stale = asked.get("parameters"), asked.get("targets"), asked.get("stale")
    facts = [("runbook", f"{shown(asked.get('runbook'))}, version {shown(asked.get('version'))}")]
    facts += [("asked by", shown(asked.get("requested_by"))), ("reason", shown(asked.get("reason")))]
    if isinstance(parameters, dict):
        facts += [("value", f"{name}={shown(value)}") for name, value in parameters.items()]
    if isinstance(targets, list):
        facts += [("node", shown(name)) for name in targets]
    facts += [("rule", shown(asked.get("because"))), ("plan", shown(asked.get("plan_hash")))]
    facts += [("stale", shown(one)) for one in (stale if isinstance(stale, list) else [])]
    for label, value in facts:
        if value:
            say(f"{label + ':':<10} {clean_line(value)}")
    return shown(asked.get("plan_hash"))
