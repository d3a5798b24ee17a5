"""Writing the log: one explicit line in the transaction of what it tells of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbooks.access.actors import Actor
from runbooks.domain.manifest import canonical
from runbooks.models import (
    INSTALLATION_ID,
    Artifact,
    AuditEvent,
    Delegation,
    Delivery,
    Endpoint,
    Freeze,
    Grant,
    Group,
    HostKey,
    Installation,
    Node,
    Project,
    Run,
    Runbook,
    Secret,
    Token,
    User,
    Version,
)
from runbooks.models.rows import insert

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


def _in_runbook(kind: str, thing: Runbook | Version | Run | Artifact, name: str, runbook: Runbook) -> Ref:
    return Ref(kind, str(thing.pk), name, project=str(runbook.project_id), runbook=str(runbook.pk))


def _of_grant(grant: Grant) -> Ref:
    name = f"{grant.principal_name} on {grant.object_name}"
    within = grant.runbook or grant.node or grant.secret
    project = grant.project_id or (within.project_id if within else None) or ""
    return Ref("grant", str(grant.pk), name, project=str(project), runbook=str(grant.runbook_id or ""))


def _of_node(node: Node) -> Ref:
    return Ref("node", str(node.pk), node.path, project=str(node.project_id or ""))


def _of_host_key(key: HostKey) -> Ref:
    return Ref("host_key", str(key.pk), f"{key.fingerprint} of {key.node.path}", project=str(key.node.project_id or ""))


def _of_delivery(delivery: Delivery) -> Ref:
    project, runbook = str(delivery.project_id or ""), str(delivery.runbook_id or "")
    return Ref("delivery", str(delivery.pk), delivery.address or delivery.to_whom, project=project, runbook=runbook)


def _of_endpoint(endpoint: Endpoint) -> Ref:
    project = str(endpoint.runbook.project_id if endpoint.runbook else endpoint.project_id or "")
    return Ref("endpoint", str(endpoint.pk), str(endpoint), project=project, runbook=str(endpoint.runbook_id or ""))


def _of_freeze(freeze: Freeze) -> Ref:
    name = f"{freeze.object_name}, by {freeze.made_by.username}"
    project = freeze.project_id or (freeze.runbook.project_id if freeze.runbook else "")
    return Ref("freeze", str(freeze.pk), name, project=str(project), runbook=str(freeze.runbook_id or ""))


NAMES: dict[type, Callable[[Any], Ref]] = {
    Installation: lambda _: Ref("installation", str(INSTALLATION_ID), "installation"),
    Project: lambda project: Ref("project", str(project.pk), project.slug, project=str(project.pk)),
    Runbook: lambda runbook: _in_runbook("runbook", runbook, runbook.path, runbook),
    Version: lambda version: _in_runbook("version", version, str(version), version.runbook),
    Run: lambda run: _in_runbook("run", run, run.runbook.path, run.runbook),
    Secret: lambda secret: Ref("secret", str(secret.pk), secret.path, project=str(secret.project_id)),
    Artifact: lambda artifact: _in_runbook("artifact", artifact, artifact.name[:200], artifact.run.runbook),
    Delegation: lambda one: Ref("delegation", str(one.pk), f"{one.delegate.username} for {one.delegator.username}"),
    Delivery: _of_delivery,
    Endpoint: _of_endpoint,
    Freeze: _of_freeze,
    Grant: _of_grant,
    Node: _of_node,
    HostKey: _of_host_key,
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
        "place": {"project": what.project, "runbook": what.runbook},  # it decides who may read this
        "reason": reason,
        "details": dict(details or {}),
    }
    event = AuditEvent(
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
    insert(event)
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
