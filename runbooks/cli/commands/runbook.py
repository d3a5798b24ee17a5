"""Finding and reading runbooks."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from runbooks.cli.client import API, Json
from runbooks.cli.lazy import GroupWithGaps
from runbooks.cli.names import runbook_path
from runbooks.cli.output import emit, emit_json, say, shown
from runbooks.cli.session import AsJson, connect
from runbooks.cli.tables import show
from runbooks.cli.terminal import clean, clean_line

app = typer.Typer(name="runbook", cls=GroupWithGaps, no_args_is_help=True)

Project = Annotated[str | None, typer.Option(help="Only those of this project.")]
Tag = Annotated[str | None, typer.Option(help="Only those with this tag.")]
Alert = Annotated[str | None, typer.Option(help="Only those for this alert.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]


@app.command("list")
def list_runbooks(
    ctx: typer.Context,
    *,
    project: Project = None,
    tag: Tag = None,
    alert: Alert = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the runbooks that you may see."""
    _list(ctx, query={"project": project, "tag": tag, "alert": alert}, limit=limit, as_json=as_json)


@app.command()
def search(
    ctx: typer.Context,
    *,
    words: Annotated[list[str], typer.Argument(help="Words of the title, the document, an alert or a step.")],
    project: Project = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Search runbooks by symptom, alert or title."""
    _list(ctx, query={"q": " ".join(words), "project": project}, limit=limit, as_json=as_json)


@app.command()
def view(
    ctx: typer.Context,
    *,
    runbook: Annotated[str, typer.Argument(metavar="PROJECT/SLUG")],
    as_json: AsJson = False,
) -> None:
    """Show a runbook's document and parameters."""
    found = connect(ctx).get(runbook_path(runbook))
    if as_json:
        emit_json(found)
        return
    emit(clean_line(f"{runbook}: {shown(found.get('title'))}"))
    document = _document(found)
    if document and sys.stdout.isatty():
        Console().print(Markdown(clean(document), hyperlinks=False))
    elif document:
        emit(f"\n{document.rstrip()}")
    _show_parameters(runbook, found)


def _list(ctx: typer.Context, *, query: dict[str, str | None], limit: int, as_json: bool) -> None:
    found, more = connect(ctx).listed(f"{API}/runbooks", query, limit=limit)
    if as_json:
        emit_json(found)
    else:
        show(["RUNBOOK", "TITLE"], [[name_of(runbook), shown(runbook.get("title"))] for runbook in found])
    if not found:
        say("No runbook that you may see fits.")
    if more:
        say(f"There are more than {limit}; ask for them with --limit.")


def name_of(runbook: Json) -> str:
    return shown(runbook.get("runbook")) or f"{shown(runbook.get('project'))}/{shown(runbook.get('slug'))}"


def _document(runbook: Json) -> str:
    definition = runbook.get("definition")
    return shown(runbook.get("doc") or (definition.get("doc") if isinstance(definition, dict) else ""))


def _show_parameters(name: str, runbook: Json) -> None:
    parameters = runbook.get("parameters")
    if not isinstance(parameters, list) or not parameters:
        emit(f"\nRun it: opsaas run {name} --follow")
        return
    emit("\nParameters")
    show(
        ["NAME", "TYPE", "NEEDED", "DEFAULT", "ALLOWED", "HELP"],
        [
            [
                shown(one.get("name")),
                shown(one.get("type")),
                "yes" if one.get("required") else "no",
                shown(one.get("default")),
                _allowed(one),
                shown(one.get("help")),
            ]
            for one in parameters
        ],
    )
    needed = "".join(f" -p {one.get('name')}=…" for one in parameters if one.get("required"))
    emit(clean_line(f"\nRun it: opsaas run {name}{needed} --follow"))


def _allowed(parameter: Json) -> str:
    choices = parameter.get("choices")
    if isinstance(choices, list) and choices:
        return ", ".join(map(shown, choices))
    low, high = shown(parameter.get("min")), shown(parameter.get("max"))
    if low or high:
        return f"{low}..{high}"
    return shown(parameter.get("pattern"))
