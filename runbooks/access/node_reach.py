"""Which nodes somebody may have runs use: the right `use` on each, the right `run` on the runbook, and the limits that
the grants of both carry."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Model

from runbooks.access.actors import Actor
from runbooks.access.held import lineage
from runbooks.access.rights import limits_by_place
from runbooks.domain.machines.selectors import NodeFacts, selected
from runbooks.models import Installation, Node, Project, Runbook

NODES = "nodes"  # the key in a grant's limits: a condition or a query of tags
NO_LIMIT = ""


@dataclass
class NodeReach:
    """By what the nodes are limited, per place; a place without an entry gives nothing."""

    use: dict[object, set[str]] = field(default_factory=lambda: defaultdict(set))
    run: set[str] = field(default_factory=set)

    def may_use(self, node: Node) -> bool:
        """Whether some grant of `use` covers this very node."""
        places = (Installation, node.project_id or Project, node.pk)
        return any(_covers(limit, node) for place in places for limit in self.use.get(place, ()))

    def may_run_there(self, node: Node) -> bool:
        """Whether some grant of `run` covers it."""
        return any(_covers(limit, node) for limit in self.run)


def reach_of(*, actor: Actor, runbook: Runbook, now: datetime) -> NodeReach:
    found = NodeReach()
    for _, limits in limits_by_place(actor=actor, right="use", kind=Installation, now=now):
        found.use[Installation].add(_limit(limits))
    for place, limits in [
        *limits_by_place(actor=actor, right="use", kind=Project, now=now),
        *limits_by_place(actor=actor, right="use", kind=Node, now=now),
    ]:
        found.use[place].add(_limit(limits))
    above: dict[type[Model], set[UUID | int] | None] = {
        Installation: None,
        Project: {runbook.project_id},
        Runbook: {runbook.pk},
    }
    for kind, wanted in above.items():
        for place, limits in limits_by_place(actor=actor, right="run", kind=kind, now=now):
            if wanted is None or place in wanted:
                found.run.add(_limit(limits))
    return found


def facts(node: Node) -> NodeFacts:
    return NodeFacts(name=node.name, tags=tuple(node.tags), attributes=node.attributes, id=str(node.pk))


def holds_use(*, actor: Actor, node: Node, now: datetime) -> bool:
    """Whether some grant of `use` covers this node, whatever for."""
    return any(
        _covers(_limit(limits), node)
        for kind, wanted in lineage(node).items()
        for at, limits in limits_by_place(actor=actor, right="use", kind=kind, now=now)
        if at == wanted
    )


def _limit(limits: dict[str, object]) -> str:
    return str(limits.get(NODES, NO_LIMIT))


def _covers(limit: str, node: Node) -> bool:
    return limit == NO_LIMIT or bool(selected(limit, nodes=[facts(node)]).nodes)
