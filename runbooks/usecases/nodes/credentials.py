"""The secrets by which a node is signed in to: who names one has to hold `use` on it.

So has who decides to which machine and account it is shown. Else whoever keeps the inventory could read a password by
a machine of their own.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from runbooks.access.actors import Actor
from runbooks.access.rights import rights_on
from runbooks.domain.policy import Decision, no, unless
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Node, Secret

NAMES = ("private_key", "password")
WHERE = {"host", "port", "user"}  # the fields of a node that say to whom its secrets are shown
NOT_YOURS = no(
    "opsaas signs in to this node by a secret. Where that is shown, by host, port, account and host key, is decided by"
    " those who hold the right “use” on the secret: let one of them do it, or sign in by another secret."
)


def taken_apart(fields: dict[str, Any]) -> dict[str, str]:
    """Takes the secrets' paths out of FIELDS."""
    return {name: fields.pop(name) for name in NAMES if name in fields}


def credentials(*, actor: Actor, project: str, given: Mapping[str, str], now: datetime) -> dict[str, Secret | None]:
    """Of a project's node: of the same project. An empty path takes the secret away. Raises Invalid."""
    return {name: _secret(actor, project, path, name, now) if path else None for name, path in given.items()}


def may_redirect(*, actor: Actor, node: Node, now: datetime, replaced: Collection[str] = ()) -> Decision:
    """Whether the actor may say where the node's secrets are shown. REPLACED are those that are another from now on."""
    kept = [secret for name, secret in _of(node) if name not in replaced]
    mine = all("use" in rights_on(actor=actor, place=secret, now=now) for secret in kept)
    return unless() if mine else NOT_YOURS


def _of(node: Node) -> Iterator[tuple[str, Secret]]:
    for name in NAMES:
        secret: Secret | None = getattr(node, name)
        if secret is not None:
            yield name, secret


def _secret(actor: Actor, project: str, path: str, name: str, now: datetime) -> Secret:
    of, _, slug = path.partition("/")
    found = Secret.objects.select_related("project").filter(project__slug=of, slug=slug, archived_at=None).first()
    if found is None or (project and of != project) or "use" not in rights_on(actor=actor, place=found, now=now):
        raise Invalid([Problem(f"/{name}", "unknown_secret", "There is no such secret that you may use here.")])
    return found
