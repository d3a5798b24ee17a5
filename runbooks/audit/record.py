"""Writing the log: one explicit line in the transaction of what it tells of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbooks.access.actors import Actor
from runbooks.domain.manifest import canonical
from runbooks.models import (
    INSTALLATION_ID,
    AuditEvent,
    AuditPending,
    Delivery,
    Grant,
    Group,
    Installation,
    Project,
    Run,
    Runbook,
    Token,
    User,
    Version,
)

OUTCOMES = ("done", "denied", "failed")


@dataclass(frozen=True)
class Ref:
    """What an act was done to, by id and by name: names stay readable when the thing is gone."""

    type: str
    id: str
    name: str
    project: str = ""  # ids of where it is
    runbook: str = ""


def ref(thing: object) -> Ref:
    """How the log names a thing; see NAMES."""
    if isinstance(thing, Ref):
        return thing
    return NAMES[thing.__class__](thing)  # not type(): a request's user is a lazy stand-in for itself


def _in_runbook(kind: str, thing: Runbook | Version | Run | Delivery, name: str, runbook: Runbook) -> Ref:
    return Ref(kind, str(thing.pk), name, project=str(runbook.project_id), runbook=str(runbook.pk))


def _of_grant(grant: Grant) -> Ref:
    name = f"{grant.principal_name} on {grant.object_name}"
    project = grant.project_id or (grant.runbook.project_id if grant.runbook else "")
    return Ref("grant", str(grant.pk), name, project=str(project), runbook=str(grant.runbook_id or ""))


NAMES: dict[type, Callable[[Any], Ref]] = {
    Installation: lambda _: Ref("installation", str(INSTALLATION_ID), "installation"),
    Project: lambda project: Ref("project", str(project.pk), project.slug, project=str(project.pk)),
    Runbook: lambda runbook: _in_runbook("runbook", runbook, runbook.path, runbook),
    Version: lambda version: _in_runbook("version", version, str(version), version.runbook),
    Run: lambda run: _in_runbook("run", run, run.runbook.path, run.runbook),
    Delivery: lambda delivery: _in_runbook("delivery", delivery, delivery.address, delivery.run.runbook),
    Grant: _of_grant,
    Group: lambda group: Ref("group", str(group.pk), group.slug),
    User: lambda user: Ref("user", str(user.pk), user.username),
    Token: lambda token: Ref("token", str(token.pk), f"{token.prefix}… of {token.user.username}"),
}


def record(
    *,
    actor: Actor | None,
    action: str,
    thing: object,
    now: datetime,
    outcome: str = "done",
    reason: str = "",
    details: Mapping[str, object] | None = None,
    stranger_at: str | None = None,
) -> AuditEvent:
    """Writes one event. Without an actor it is the system's own act or, with an address, that of a stranger."""
    what, who = ref(thing), _who(actor=actor, stranger_at=stranger_at)
    body = {
        "time": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": {"type": who.type, "id": who.id, "name": who.name},
        "origin": {"ip": who.ip, "via": who.via},
        "action": action,
        "object": {"type": what.type, "id": what.id, "name": what.name},
        "outcome": outcome,
        "reason": reason,
        "details": dict(details or {}),
    }
    event = AuditEvent.objects.create(
        body=canonical(body),
        time=now,
        actor_type=who.type,
        actor_id=who.id,
        actor_name=who.name,
        action=action,
        object_type=what.type,
        object_id=what.id,
        object_name=what.name[:300],
        outcome=outcome,
        project_id=what.project,
        runbook_id=what.runbook,
    )
    AuditPending.objects.create(event_id=event.pk)
    return event


@dataclass(frozen=True)
class _Who:
    type: str
    id: str
    name: str
    ip: str
    via: str


def _who(*, actor: Actor | None, stranger_at: str | None) -> _Who:
    if actor:
        return _Who(actor.user.kind, str(actor.user.pk), actor.name, actor.ip, actor.via)
    if stranger_at is not None:
        return _Who("stranger", "", "stranger", stranger_at, "ui")
    return _Who("system", "", "opsaas", "", "system")
