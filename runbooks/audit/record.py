"""Writing the log: one explicit line in the transaction of what it tells of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.domain.manifest import canonical
from runbooks.models import (
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
    match thing:
        case Ref():
            return thing
        case Runbook():
            return _in_runbook("runbook", thing, thing.path, thing)
        case Version():
            return _in_runbook("version", thing, f"{thing.runbook.path} v{thing.number}", thing.runbook)
        case Run():
            return _in_runbook("run", thing, thing.runbook.path, thing.runbook)
        case Delivery():
            return _in_runbook("delivery", thing, thing.address, thing.run.runbook)
        case Project():
            return Ref("project", str(thing.pk), thing.slug, project=str(thing.pk))
        case Grant():
            return _of_grant(thing)
        case Group():
            return Ref("group", str(thing.pk), thing.slug)
        case User():
            return Ref("user", str(thing.pk), thing.username)
        case Token():
            return Ref("token", str(thing.pk), f"{thing.prefix}… of {thing.user.username}")
        case Installation():
            return Ref("installation", str(thing.pk), "installation")
    raise TypeError(f"the log has no name for {thing!r}")


def _in_runbook(kind: str, thing: Runbook | Version | Run | Delivery, name: str, runbook: Runbook) -> Ref:
    return Ref(kind, str(thing.pk), name, project=str(runbook.project_id), runbook=str(runbook.pk))


def _of_grant(grant: Grant) -> Ref:
    name = f"{grant.principal_name} on {grant.object_name}"
    project = grant.project_id or (grant.runbook.project_id if grant.runbook else "")
    return Ref("grant", str(grant.pk), name, project=str(project), runbook=str(grant.runbook_id or ""))


def record(
    *,
    actor: Actor | None,
    action: str,
    thing: object,
    now: datetime,
    outcome: str = "done",
    reason: str = "",
    details: Mapping[str, object] | None = None,
    name: str = "opsaas",
    ip: str = "",
    via: str = "system",
) -> AuditEvent:
    """Writes one event. Without an actor it is the system's own act, or, with NAME and IP, that of a stranger."""
    what = ref(thing)
    kind = actor.user.kind if actor else ("system" if via == "system" else "stranger")
    who = actor.name if actor else name
    body = {
        "time": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": {"type": kind, "id": str(actor.user.pk) if actor else "", "name": who},
        "origin": {"ip": actor.ip if actor else ip, "via": actor.via if actor else via},
        "action": action,
        "object": {"type": what.type, "id": what.id, "name": what.name},
        "outcome": outcome,
        "reason": reason,
        "details": dict(details or {}),
    }
    event = AuditEvent.objects.create(
        body=canonical(body),
        time=now,
        actor_type=kind,
        actor_id=str(actor.user.pk) if actor else "",
        actor_name=who[:200],
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
