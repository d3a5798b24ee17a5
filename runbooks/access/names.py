"""From the names that clients write ("user:runner", "runbook:payments/drain-worker") to things."""

from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, node, project, runbook, secret
from runbooks.access.held import Place
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Group, User


def place_named(*, actor: Actor, text: str, pointer: str, action: str, now: datetime) -> Place:
    """Raises Invalid for what is no name of a place, and Hidden for what the actor does not see."""
    kind, _, name = text.partition(":")
    if text == "installation":
        return installation()
    if kind == "project" and name:
        return project(actor=actor, slug=name, action=action, now=now)
    if kind == "runbook" and name.count("/") == 1:
        of, _, slug = name.partition("/")
        return runbook(actor=actor, project=of, slug=slug, action=action, now=now)
    if kind == "node" and name:
        return node(actor=actor, node_id=name, action=action, now=now)
    if kind == "secret" and name.count("/") == 1:
        return secret(actor=actor, path=name, action=action, now=now)
    detail = (
        "Write “installation”, “project:payments”, “runbook:payments/drain-worker”, “node:payments/web1” or"
        " “secret:payments/deploy”."
    )
    raise Invalid([Problem(pointer, "invalid_object", detail)])


def principal_named(*, text: str, pointer: str) -> User | Group:
    """Raises Invalid where there is none of that name."""
    kind, _, name = text.partition(":")
    found: User | Group | None = None
    if kind == "user":
        found = User.objects.select_related("owner").filter(username=name).first()
    elif kind == "group":
        found = Group.objects.filter(slug=name).first()
    else:
        raise Invalid([Problem(pointer, "invalid_principal", "Write “user:name” or “group:name”.")])
    if found is None:
        raise Invalid([Problem(pointer, "unknown_principal", f"There is no {kind} “{name}”.")])
    return found


def user_named(*, name: str, pointer: str) -> User:
    found = principal_named(text=f"user:{name}", pointer=pointer)
    assert isinstance(found, User)
    return found
