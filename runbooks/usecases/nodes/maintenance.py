"""Maintenance of nodes: a time in which no run goes there."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.audit.record import record
from runbooks.domain.machines.targets import Targets
from runbooks.domain.policy import YES, Decision, no
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Node
from runbooks.usecases.nodes.write import may_change_nodes
from runbooks.usecases.reasons import checked_reason

NAMED = 5


def set_maintenance(
    *,
    actor: Actor,
    node: Node,
    reason: str,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    now: datetime,
) -> None:
    """In place of one that was there. Without a beginning from now on, without an end until somebody ends it. Raises
    NotAllowed and Invalid."""
    require(may_change_nodes(actor=actor, project=node.project, now=now), action="node.maintenance_set", thing=node)
    reason, starts_at = checked_reason(reason), starts_at or now
    if ends_at and ends_at <= max(starts_at, now):
        raise Invalid([Problem("/ends_at", "in_the_past", "It would have ended before it begins, or already.")])
    details = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat() if ends_at else None}
    with transaction.atomic():
        _write(node, starts_at, ends_at, actor, reason)
        record(actor=actor, action="node.maintenance_set", thing=node, reason=reason, details=details, now=now)


def end_maintenance(*, actor: Actor, node: Node, now: datetime) -> None:
    """Where there is none, nothing happens. Raises NotAllowed."""
    require(may_change_nodes(actor=actor, project=node.project, now=now), action="node.maintenance_ended", thing=node)
    if node.maintenance_from is None:
        return
    with transaction.atomic():
        _write(node, None, None, None, None)
        record(actor=actor, action="node.maintenance_ended", thing=node, now=now)


def maintenance_of(nodes: Sequence[Node], *, now: datetime) -> Decision:
    """Whether none of them is in maintenance."""
    return no(*(_sentence(node) for node in kept_out(nodes, now=now)[:NAMED])) if kept_out(nodes, now=now) else YES


def kept_out(nodes: Sequence[Node], *, now: datetime) -> list[Node]:
    return [node for node in nodes if node.in_maintenance(now)]


def usable_of(
    nodes: Sequence[Node], *, targets: Targets, asked_for: Sequence[str], now: datetime
) -> tuple[list[Node], Decision]:
    """Without those that are left out, and whether the rest may be gone to. Whoever is asked for by name is not left
    out: the run would quietly do less. Raises Invalid where none is left."""
    out = [node for node in kept_out(nodes, now=now) if targets.without_maintained and node.name not in asked_for]
    left = [node for node in nodes if node not in out]
    if out and not left:
        detail = f"All nodes that are meant are in maintenance. {_sentence(out[0])}"
        raise Invalid([Problem("/targets", "no_nodes", detail)])
    return left, maintenance_of(left, now=now)


def _sentence(node: Node) -> str:
    end = f"until {node.maintenance_until:%Y-%m-%d %H:%M} UTC" if node.maintenance_until else "until somebody ends it"
    by = node.maintenance_by.username if node.maintenance_by else "nobody"
    return f"The node {node.name} is in maintenance {end}, by {by}: {node.maintenance_reason}"


def _write(node: Node, starts: datetime | None, ends: datetime | None, by: Actor | None, reason: str | None) -> None:
    node.maintenance_from, node.maintenance_until, node.maintenance_reason = starts, ends, reason
    node.maintenance_by = by.user if by else None
    fields = ["maintenance_from", "maintenance_until", "maintenance_by", "maintenance_reason"]
    node.save(update_fields=fields)
