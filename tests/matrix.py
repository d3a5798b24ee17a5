"""What the tables of permissions share: the roles, what a row is, and which routes there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

ROLES = ("nobody", "stranger", "runner", "author", "owner", "auditor", "admin")
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Row:
    """STATUSES are one per role; or two, for nobody and for whoever is signed in; or one for all."""

    method: str  # or several, where they get the same
    route: str  # as Django writes it
    statuses: str
    path: str = ""  # where the route has parameters; words in braces are filled in
    body: Any = None

    @property
    def expected(self) -> dict[str, int]:
        words = [int(word) for word in self.statuses.split()]
        if len(words) < len(ROLES):
            words = [words[0], *words[-1:] * (len(ROLES) - 1)]
        return dict(zip(ROLES, words, strict=True))

    @property
    def routes(self) -> set[tuple[str, str]]:
        return {(method, self.route) for method in self.method.split()}


def all_routes() -> Iterator[tuple[str, str]]:
    """Every method of every route that the project has."""
    waiting: list[tuple[str, URLPattern | URLResolver]] = [("", one) for one in get_resolver().url_patterns]
    while waiting:
        before, entry = waiting.pop()
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            waiting += [(route, one) for one in entry.url_patterns]
            continue
        view = getattr(entry.callback, "cls", None) or getattr(entry.callback, "view_class", None)
        methods = [method for method in METHODS if hasattr(view, method)] if view else ["get", "post"]
        yield from ((method.upper(), route) for method in methods)
