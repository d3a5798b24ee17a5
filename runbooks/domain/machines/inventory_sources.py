"""Which inventories are read by themselves: a file that an administrator of the server writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runbooks.domain.names import SLUG, repeated_names
from runbooks.domain.problems import Invalid, Problem

FIELDS = {"name", "project", "file", "command"}


@dataclass(frozen=True)
class Source:
    name: str
    project: str  # slug; empty: its nodes are shared
    file: str = ""
    command: tuple[str, ...] = ()  # one of the two


def sources_of(data: object) -> list[Source]:
    """Raises Invalid with all that is wrong."""
    listed = data.get("sources") if isinstance(data, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise Invalid(
            [Problem("/sources", "wrong_type", "Give a list of sources, each with name and file or command.")]
        )
    problems = [problem for index, one in enumerate(listed) for problem in _problems(one, f"/sources/{index}")]
    problems.extend(repeated_names((f"/sources/{index}/name", one.get("name")) for index, one in enumerate(listed)))
    if problems:
        raise Invalid(problems)
    return [
        Source(one["name"], one.get("project", ""), one.get("file", ""), tuple(one.get("command", ())))
        for one in listed
    ]


def _problems(one: dict[str, Any], pointer: str) -> Iterator[Problem]:
    for name in one.keys() - FIELDS:
        yield Problem(f"{pointer}/{name}", "unknown_field", f"There are {', '.join(sorted(FIELDS))}.")
    name, project, file, command = (one.get(key, "") for key in ("name", "project", "file", "command"))
    if not isinstance(name, str) or not SLUG.fullmatch(name):
        yield Problem(f"{pointer}/name", "invalid_slug", "A name is lower-case letters, digits and hyphens.")
    if not isinstance(project, str) or (project and not SLUG.fullmatch(project)):
        yield Problem(
            f"{pointer}/project", "invalid_slug", "This is the slug of a project; without it nodes are shared."
        )
    if bool(file) == bool(command):
        yield Problem(pointer, "required", "Give either a file or a command.")
    if not isinstance(file, str):
        yield Problem(f"{pointer}/file", "wrong_type", "This is the path of a file.")
    words = isinstance(command, list) and all(isinstance(word, str) and word for word in command)
    if command and not words:
        yield Problem(f"{pointer}/command", "wrong_type", "A command is a list of words; no shell reads it.")
