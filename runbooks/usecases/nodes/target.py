"""From a node of a plan to what an executor needs to reach it, if it is still the machine that the plan names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from runbooks.access.actors import Actor
from runbooks.access.node_reach import NodeReach, reach_of
from runbooks.domain.definition import Definition
from runbooks.domain.machines.targets import PlannedNode
from runbooks.domain.parameters import ParameterType
from runbooks.domain.plan import Plan
from runbooks.domain.policy import YES, Decision, no
from runbooks.domain.ports import Secrets, SeenHostKey, Target
from runbooks.domain.states import HostKeyState
from runbooks.models import HostKey, Node, Runbook
from runbooks.models.prepared import Prepared
from runbooks.usecases.nodes.host_keys import saw_keys
from runbooks.usecases.nodes.maintenance import maintenance_of
from runbooks.usecases.nodes.resolve import MOST_HOPS, candidates, may_use, planned, planned_along, with_ways


@dataclass(frozen=True)
class Hop:
    """One machine on the way, the node itself last: its secrets by name only."""

    target: Target
    private_key: str = ""  # path of the secret
    password: str = ""


Way = tuple[Hop, ...]


def still_usable(*, actor: Actor, runbook: Runbook, definition: Definition, plan: Plan, now: datetime) -> Decision:
    """Asked when the run begins: each node is there, and whoever asked for the run may still use it. Those as well that
    are only the value of a parameter."""
    named = _named(definition, plan)
    if not plan.targets and not named:
        return YES
    nodes = Node.objects.filter(pk__in=[node.id for node in plan.targets], archived_at=None).select_related("project")
    found = {str(node.pk): node for node in nodes}
    gone = [node.name for node in plan.targets if node.id not in found]
    there = no(f"These nodes are no longer in service: {', '.join(gone[:5])}.") if gone else YES
    reach = reach_of(actor=actor, runbook=runbook, now=now)
    return there & may_use(reach=reach, nodes=list(found.values())) & _values_usable(runbook, reach, named)


def _named(definition: Definition, plan: Plan) -> list[str]:
    """Nodes that a value names, beside those that steps go to."""
    values = [plan.values.get(one.name) for one in definition.parameters if one.type is ParameterType.NODE]
    went_to = {node.name for node in plan.targets}
    return [str(value) for value in values if value is not None and value not in went_to]


def _values_usable(runbook: Runbook, reach: NodeReach, named: Sequence[str]) -> Decision:
    if not named:
        return YES
    here = {node.name: node for node in candidates(runbook=runbook, reach=reach)}
    gone = [name for name in named if name not in here]
    there = no(f"These nodes are no longer there for you to use: {', '.join(gone[:5])}.") if gone else YES
    return there & may_use(reach=reach, nodes=[here[name] for name in named if name in here])


def unchanged(plan: Plan) -> Decision:
    """Whether each machine, and the way to it, is as it was when the plan was made."""
    nodes = Node.objects.filter(pk__in=[node.id for node in plan.targets], archived_at=None).select_related("project")
    now = {one.id: one for one in planned(list(nodes))} if plan.targets else {}
    changed = [node.name for node in plan.targets if _differs(node, now.get(node.id))]
    names = ", ".join(changed[:5])
    return no(f"Not as they were when this run was asked for: {names}. Ask for it again.") if changed else YES


def _differs(wanted: PlannedNode, found: PlannedNode | None) -> bool:
    return found is None or replace(found, zone=wanted.zone) != wanted


def way_of(wanted: PlannedNode, *, began: datetime | None) -> tuple[Way, Decision]:
    """How to reach it. Nothing where it is no longer what it was when the run was asked for, or in maintenance at
    BEGAN; None for a cleanup, which that does not keep from tidying up."""
    nodes = _way_to(UUID(wanted.id))
    if not nodes or nodes[-1].archived_at is not None:
        return (), no("This node is no longer in service. Nothing was done there.")
    if began and nodes[-1].in_maintenance(began):
        return (), maintenance_of(nodes[-1:], now=began) & no("Nothing was done there.")
    keys = _accepted(nodes)
    now = planned_along(nodes, keys)
    if _differs(wanted, now):
        changed = "This node, or the way to it, is not as it was when the run was asked for. Nothing was done there."
        return (), no(changed)
    if not now.keys:
        return (), no("Nobody has accepted a host key of this node. Nothing was done there.")
    return tuple(_hop(one, keys) for one in nodes), YES


def way_along(node: Node) -> Way:
    """As it is now, the node itself last."""
    nodes = _way_to(node.pk)
    keys = _accepted(nodes)
    return tuple(_hop(one, keys) for one in nodes)


# Both asked at each node of each step.
WITH_SECRETS = Prepared(
    lambda pk: Node.objects.filter(pk=pk).select_related("private_key__project", "password__project"),
    Node._meta.get_field("id"),
)
ACCEPTED_KEYS = Prepared(
    lambda node: HostKey.objects.filter(node_id=node, state=HostKeyState.ACCEPTED).order_by("key"),
    Node._meta.get_field("id"),
)


def _way_to(node_id: UUID) -> list[Node]:
    """The machines to go through, the nearest to us first, and the node itself."""
    nodes: list[Node] = []
    wanted: UUID | None = node_id
    while wanted is not None and len(nodes) <= MOST_HOPS:
        node = WITH_SECRETS.first(wanted)
        if node is None:
            break
        nodes.insert(0, node)
        wanted = node.jump_id
    return nodes


def _accepted(nodes: Iterable[Node]) -> dict[UUID, list[str]]:
    return {node.pk: [row.key for row in ACCEPTED_KEYS(node.pk)] for node in nodes}


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


def _hop(node: Node, keys: Mapping[UUID, Sequence[str]]) -> Hop:
    target = Target(
        name=node.name, host=node.host, port=node.port, user=node.user, host_keys=tuple(keys.get(node.pk, ()))
    )
    private_key, password = (secret.path if secret else "" for secret in (node.private_key, node.password))
    return Hop(target=target, private_key=private_key, password=password)
