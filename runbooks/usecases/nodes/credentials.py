"""The secrets by which a node is signed in to: who names one has to hold `use` on it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runbooks.access.actors import Actor
from runbooks.access.rights import rights_on
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Secret

NAMES = ("private_key", "password")


def taken_apart(fields: dict[str, Any]) -> dict[str, str]:
    """Takes the secrets' paths out of FIELDS."""
    return {name: fields.pop(name) for name in NAMES if name in fields}


def credentials(*, actor: Actor, project: str, given: Mapping[str, str], now: datetime) -> dict[str, Secret | None]:
    """Of a project's node: of the same project. An empty path takes the secret away. Raises Invalid."""
    return {name: _secret(actor, project, path, name, now) if path else None for name, path in given.items()}


def _secret(actor: Actor, project: str, path: str, name: str, now: datetime) -> Secret:
    of, _, slug = path.partition("/")
    found = Secret.objects.select_related("project").filter(project__slug=of, slug=slug, archived_at=None).first()
    if found is None or (project and of != project) or "use" not in rights_on(actor=actor, place=found, now=now):
        raise Invalid([Problem(f"/{name}", "unknown_secret", "There is no such secret that you may use here.")])
    return found
