"""From a node of a plan to what an executor needs to reach it, if it is still the machine that the plan names."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from runbooks.access.actors import Actor
from runbooks.access.node_reach import reach_of
from runbooks.domain.plan import Plan
from runbooks.domain.policy import YES, Decision, no
from runbooks.domain.ports import Secrets, SeenHostKey, Target
from runbooks.domain.targets import PlannedNode
from runbooks.models import Node, Runbook
from runbooks.usecases.nodes.host_keys import saw_keys
from runbooks.usecases.nodes.resolve import accepted_keys, may_use, planned, way_to, with_ways


@dataclass(frozen=True)
class Hop:
    """One machine on the way, the node itself last: its secrets by name only."""

    target: Target
    private_key: str = ""  # path of the secret
    password: str = ""


Way = tuple[Hop, ...]


def still_usable(*, actor: Actor, runbook: Runbook, plan: Plan, now: datetime) -> Decision:
    """Asked when the run begins: each node is there, and whoever asked for the run may still use it."""
    if not plan.targets:
        return YES
    nodes = Node.objects.filter(pk__in=[node.id for node in plan.targets], archived_at=None).select_related("project")
    found = {str(node.pk): node for node in nodes}
    gone = [node.name for node in plan.targets if node.id not in found]
    there = no(f"These nodes are no longer in service: {', '.join(gone[:5])}.") if gone else YES
    reach = reach_of(actor=actor, runbook=runbook, now=now)
    return there & may_use(reach=reach, nodes=list(found.values()))


def unchanged(plan: Plan) -> Decision:
    """Whether each machine, and the way to it, is as it was when the plan was made."""
    nodes = Node.objects.filter(pk__in=[node.id for node in plan.targets], archived_at=None).select_related("project")
    now = {one.id: one for one in planned(list(nodes))} if plan.targets else {}
    changed = [node.name for node in plan.targets if _differs(node, now.get(node.id))]
    names = ", ".join(changed[:5])
    return no(f"Not as they were when this run was asked for: {names}. Ask for it again.") if changed else YES


def _differs(wanted: PlannedNode, found: PlannedNode | None) -> bool:
    return found is None or replace(found, zone=wanted.zone) != wanted


def way_of(wanted: PlannedNode) -> tuple[Way, Decision]:
    """How to reach it. Nothing where it is no longer what it was when the run was asked for."""
    node = Node.objects.select_related("project").filter(pk=wanted.id, archived_at=None).first()
    if node is None:
        return (), no("This node is no longer in service. Nothing was done there.")
    now = planned([node])[0]
    if _differs(wanted, now):
        changed = "This node, or the way to it, is not as it was when the run was asked for. Nothing was done there."
        return (), no(changed)
    if not now.keys:
        return (), no("Nobody has accepted a host key of this node. Nothing was done there.")
    return way_along(node), YES


def way_along(node: Node) -> Way:
    """As it is now, the node itself last."""
    every = with_ways([node])
    keys = accepted_keys(every)
    secrets = _secret_paths(every)
    return tuple(_hop(one, keys, secrets) for one in [*way_to(node, every), node])


def target_along(way: Way, *, secrets: Secrets | None) -> Target | None:
    """With the secrets in it. Raises NoSecret."""
    target: Target | None = None
    for hop in way:
        private_key, password = (
            secrets.read(path) if path and secrets is not None else "" for path in (hop.private_key, hop.password)
        )
        target = replace(hop.target, jump=target, private_key=private_key, password=password)
    return target


def note_seen(*, wanted: PlannedNode, seen: SeenHostKey, now: datetime) -> None:
    """Writes down the key that a machine on the way showed, for a person to compare and accept."""
    node = Node.objects.filter(pk=wanted.id).first()
    every = list(with_ways([node]).values()) if node else []
    for one in every:
        if (one.name, one.host, one.port) == (seen.name, seen.host, seen.port):
            saw_keys(node=one, keys=[seen.key], now=now)


def _hop(node: Node, keys: Mapping[UUID, list[str]], secrets: Mapping[UUID, tuple[str, str]]) -> Hop:
    private_key, password = secrets[node.pk]
    target = Target(
        name=node.name, host=node.host, port=node.port, user=node.user, host_keys=tuple(keys.get(node.pk, ()))
    )
    return Hop(target=target, private_key=private_key, password=password)


def _secret_paths(nodes: Mapping[UUID, Node]) -> dict[UUID, tuple[str, str]]:
    with_secrets = Node.objects.filter(pk__in=nodes).select_related("private_key__project", "password__project")
    return {
        node.pk: (
            node.private_key.path if node.private_key else "",
            node.password.path if node.password else "",
        )
        for node in with_secrets
    }
