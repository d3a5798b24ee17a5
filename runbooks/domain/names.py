"""Checks of the names and short texts that people give to things."""

import re
from collections.abc import Iterable, Iterator

from runbooks.domain.problems import Invalid, Problem, shown

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def require_slug(value: str, *, pointer: str) -> None:
    if not SLUG.fullmatch(value):
        detail = "Use 1 to 64 lower-case letters, digits and hyphens, beginning with a letter or digit."
        raise Invalid([Problem(pointer, "invalid_slug", detail)])


def require_username(value: str, *, pointer: str) -> None:
    if not USERNAME.fullmatch(value):
        detail = (
            "Use 1 to 64 lower-case letters, digits, dots, hyphens and underscores, beginning with a letter or digit."
        )
        raise Invalid([Problem(pointer, "invalid_username", detail)])


def require_title(value: str, *, pointer: str) -> None:
    if not value.strip() or len(value) > 200 or "\n" in value or "\r" in value:
        raise Invalid([Problem(pointer, "invalid_title", "Give one line of 1 to 200 characters.")])


def repeated_names(names: Iterable[tuple[str, object]]) -> Iterator[Problem]:
    """NAMES come with their pointers; the first of a name is right, the others are not."""
    seen: set[str] = set()
    for pointer, name in names:
        if isinstance(name, str):
            if name in seen:
                yield Problem(pointer, "repeated", f"Another one before this is called {shown(name)} already.")
            seen.add(name)
