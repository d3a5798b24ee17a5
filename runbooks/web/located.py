"""Problems of a typed text with the lines that they are on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.syntax.yaml_lines import lines_of
from runbooks.domain.syntax.yaml_text import read_yaml

_TOLD = re.compile(r"\(line (\d+), column \d+\)")


@dataclass(frozen=True)
class Located:
    line: int | None
    pointer: str
    detail: str


def located(problems: Sequence[Problem], text: str) -> list[Located]:
    if not problems:
        return []
    lines = lines_of(text, [problem.pointer for problem in problems]) if _is_sound(text) else [None] * len(problems)
    return [
        Located(line=line or _told(problem.detail), pointer=problem.pointer, detail=problem.detail)
        for line, problem in zip(lines, problems, strict=True)
    ]


def _is_sound(text: str) -> bool:
    """Whether the text is within the limits that keep a parser from harm."""
    try:
        read_yaml(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass"))
    except Invalid:
        return False
    return True


def _told(detail: str) -> int | None:
    found = _TOLD.search(detail)
    return int(found[1]) if found else None
