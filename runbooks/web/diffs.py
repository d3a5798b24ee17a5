"""A unified diff as rows for a table: the sign is text, so that nothing hangs on colour."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True)
class Row:
    kind: str  # added, removed, same, gap
    sign: str
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True)
class Diff:
    rows: list[Row]
    added: int
    removed: int


def parsed(text: str) -> Diff:
    rows = list(_rows(text.splitlines()[2:]))  # without the two lines that name the files
    count = {kind: sum(row.kind == kind for row in rows) for kind in ("added", "removed")}
    return Diff(rows=rows, added=count["added"], removed=count["removed"])


def _rows(lines: list[str]) -> Iterator[Row]:
    old = new = 0
    for line in lines:
        sign, text = line[:1], line[1:]
        if found := _HUNK.match(line):
            old, new = int(found[1]), int(found[2])
            yield Row("gap", "", None, None, line)
        elif sign == "+":
            yield Row("added", "+", None, new, text)
            new += 1
        elif sign == "-":
            yield Row("removed", "\u2212", old, None, text)
            old += 1
        else:
            yield Row("same", "", old, new, text)
            old, new = old + 1, new + 1
