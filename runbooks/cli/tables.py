"""Lists: columns for people on a terminal, tab-separated lines without a head for programs."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runbooks.cli.output import emit_lines
from runbooks.cli.terminal import clean_line

_STYLES = {
    "succeeded": "green",
    "published": "green",
    "done": "green",
    "running": "blue",
    "waiting": "blue",
    "queued": "cyan",
    "awaiting_approval": "yellow",
    "in_review": "yellow",
    "failed": "red",
    "timed_out": "red",
    "lost": "bold red",
    "denied": "red",
}


def show(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not sys.stdout.isatty():
        emit_lines(rows)
        return
    table = Table(*head, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(clean_line(cell), style=_STYLES.get(cell, "")) for cell in row))
    Console().print(table)
