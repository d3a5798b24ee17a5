"""From what a definition selects to the machines of one run, frozen in their order.

Whoever asks for the run has to hold `use` on each of them: a reviewed text says what is done, a grant says where. The
nodes of the runbook's own project are all looked at, and one that may not be used refuses the run, which else would
quietly do less than it says; of the shared ones only those that may be used are looked at.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from runbooks.access.actors import Actor
from runbooks.access.node_reach import NodeReach, facts, reach_of
from runbooks.domain.machines.selectors import NodeFacts, nothing_matches, selected
from runbooks.domain.machines.targets import MOST_NODES, PlannedNode, Targets, ordered
from runbooks.domain.policy import Decision, unless
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Invalid, Problem, shown
from runbooks.domain.states import HostKeyState
from runbooks.models import HostKey, Node, Runbook
from runbooks.queries.nodes import SELECT_SECONDS, for_seconds
from runbooks.usecases.nodes.maintenance import usable_of

NAMED = 5  # how many names a sentence gives


def candidates(*, runbook: Runbook, reach: NodeReach) -> list[Node]:
    """The nodes that a run of this runbook may be about. A project's own one hides a shared one of the same name."""
    here = Q(project=runbook.project_id) | Q(project=None)
    by_name: dict[str, Node] = {}
    for node in Node.objects.filter(here, archived_at=None).select_related("project").order_by("-project_id", "name"):
        if node.project_id or (reach.may_use(node) and node.name not in by_name):
            by_name[node.name] = node
    return list(by_name.values())


def resolve(
    *,
    actor: Actor,
    runbook: Runbook,
    targets: Targets,
    values: Mapping[str, JsonValue],
    only: Sequence[str] = (),
    now: datetime,
) -> tuple[tuple[PlannedNode, ...], Decision]:
    """The nodes in their order, and whether they may be used. Raises Invalid where none is meant, or too many are."""
    reach = reach_of(actor=actor, runbook=runbook, now=now)
    among = {str(node.pk): node for node in candidates(runbook=runbook, reach=reach)}
    every = [facts(node) for node in among.values()]
    found = selected(targets.select, nodes=every, params=values, go_on=for_seconds(SELECT_SECONDS))
    if not found.nodes:
        raise Invalid([Problem("/targets", "no_nodes", nothing_matches(targets.select, found))])
    if only:
        found.nodes = _narrowed(found.nodes, only)
    if len(found.nodes) > MOST_NODES:
        detail = f"{len(found.nodes):,} nodes match; a run may have {MOST_NODES:,} at most."
        raise Invalid([Problem("/targets", "too_many_nodes", detail)])
    nodes = ordered([among[one.id] for one in found.nodes], targets.order, lambda node: node.name)
    nodes, in_service = usable_of(nodes, targets=targets, asked_for=only, now=now)
    return planned(nodes), may_use(reach=reach, nodes=nodes) & in_service


def _narrowed(nodes: Sequence[NodeFacts], only: Sequence[str]) -> list[NodeFacts]:
    by_name = {node.name: node for node in nodes}
    if strange := [name for name in only if name not in by_name]:
        detail = f"The runbook does not select {', '.join(shown(name) for name in strange[:NAMED])}."
        raise Invalid([Problem("/targets", "not_selected", detail)])
    return [by_name[name] for name in dict.fromkeys(only)]


def may_use(*, reach: NodeReach, nodes: Sequence[Node]) -> Decision:
    lacking = [node.name for node in nodes if not reach.may_use(node)]
    outside = [node.name for node in nodes if not reach.may_run_there(node)]
    return unless(
        f"You do not hold the right “use” on {_some(lacking, of=nodes)}." if lacking else None,
        f"Your right to run this is limited, and does not cover {_some(outside, of=nodes)}." if outside else None,
    )


def unknown_keys(nodes: Sequence[PlannedNode]) -> list[PlannedNode]:
    """Those that nobody has accepted a host key of."""
    return [node for node in nodes if not node.keys]


def planned(nodes: Sequence[Node]) -> tuple[PlannedNode, ...]:
    """As they are now, with the machines on the way to them."""
    every = with_ways(nodes)
    keys = accepted_keys(every)
    return tuple(planned_along([*way_to(node, every), node], keys) for node in nodes)


def planned_along(way: Sequence[Node], keys: Mapping[UUID, Sequence[str]]) -> PlannedNode:
    """The last of WAY, behind the others. KEYS are the accepted ones of each."""
    *hops, node = way
    return PlannedNode(
        id=str(node.pk),
        name=node.name,
        host=node.host,
        port=node.port,
        user=node.user,
        keys=digest(keys.get(node.pk, ())),
        zone=node.zone,
        way=tuple(_hop(hop, keys) for hop in hops),
    )


def accepted_keys(nodes: Collection[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = defaultdict(list)
    rows = HostKey.objects.filter(node__in=list(nodes), state=HostKeyState.ACCEPTED).order_by("key")
    for node_id, key in rows.values_list("node_id", "key"):
        found[node_id].append(key)
    return found


def way_to(node: Node, every: Mapping[UUID, Node]) -> list[Node]:
    """The machines to go through, the nearest to us first."""
    hops: list[Node] = []
    while node.jump_id and len(hops) < MOST_HOPS:
        node = every[node.jump_id]
        hops.insert(0, node)
    return hops


MOST_HOPS = 8


def digest(keys: Sequence[str]) -> str:
    """Nothing for a node without accepted keys."""
    return "sha256:" + hashlib.sha256("\n".join(keys).encode()).hexdigest() if keys else ""


def with_ways(nodes: Sequence[Node]) -> dict[UUID, Node]:
    every = {node.pk: node for node in nodes}
    for _ in range(MOST_HOPS):
        missing = {node.jump_id for node in every.values() if node.jump_id} - every.keys()
        if not missing:
            break
        every |= Node.objects.in_bulk(missing)
    return every


def _hop(node: Node, keys: Mapping[UUID, Sequence[str]]) -> str:
    return f"{node.user}@{node.host}:{node.port} {digest(keys.get(node.pk, ()))}"


def _some(names: Sequence[str], *, of: Sequence[Node]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    whole = "the node" if len(of) == 1 else f"{len(names)} of the {len(of)} nodes:"
    return f"{whole} {', '.join(names[:NAMED])}{more}"
