"""Machines, as the actor may see them."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid
from runbooks.access.rights import restrict_nodes, restrict_runs
from runbooks.domain.machines.selectors import NodeFacts, Selection, selected, selector_problem
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import StepStatus
from runbooks.models import HostKey, Node, Project, Run, StepRun

SELECT_SECONDS = 5.0  # that one request may spend on a query of machines
LOOK_PATIENCE = timedelta(seconds=90)  # as long as a machine may take that answers slowly at every turn
FACTS = ("pk", "name", "tags", "attributes")
MOST_HOPS_OFFERED = 500


def nodes(*, actor: Actor, now: datetime, q: str = "", project: str = "", archived: bool = False) -> QuerySet[Node]:
    """Q is a query of tags or a condition in CEL; PROJECT a slug. Raises Invalid for a Q that is neither."""
    found = restrict_nodes(actor=actor, right="view", now=now, queryset=Node.objects.all())
    found = found.filter(archived_at__isnull=not archived)
    if project:
        found = found.filter(project__slug=project)
    if q:
        found = found.filter(pk__in=[node.id for node in _matching(q, found).nodes])
    return found.select_related("project", "jump__project", "maintenance_by").prefetch_related("host_keys__decided_by")


def hops(*, actor: Actor, projects: Iterable[Project | None], behind: Node | None = None, now: datetime) -> list[str]:
    """Names of the nodes that others of PROJECTS may be reached through: of the same project, or shared."""
    here = Q(project__in=[project for project in projects if project]) | Q(project=None)
    found = restrict_nodes(actor=actor, right="view", now=now, queryset=Node.objects.filter(here, archived_at=None))
    names = found.exclude(pk=behind.pk) if behind else found
    return sorted(set(names.values_list("name", flat=True)[:MOST_HOPS_OFFERED]))


def running_on(nodes: Sequence[Node]) -> dict[UUID, int]:
    """How many scripts run on each of NODES at this moment."""
    open_ones = StepRun.objects.filter(status=StepStatus.RUNNING, node__in=[node.name for node in nodes])
    counts = {(project, name): count for project, name, count in _counted(open_ones)}
    by_name: dict[str, int] = {}
    for (_project, name), count in counts.items():
        by_name[name] = by_name.get(name, 0) + count
    return {
        node.pk: counts.get((node.project_id, node.name), 0) if node.project_id else by_name.get(node.name, 0)
        for node in nodes
    }


def _counted(found: QuerySet[StepRun]) -> Iterable[tuple[UUID, str, int]]:
    return found.order_by().values_list("run__runbook__project_id", "node").annotate(count=Count("pk"))


def step_runs_on(*, actor: Actor, node: Node, now: datetime, limit: int = 20) -> list[StepRun]:
    """The newest that the actor may see."""
    seen = restrict_runs(actor=actor, right="view", now=now, queryset=Run.objects.all())
    found = StepRun.objects.filter(node=node.name, run__in=seen, started_at__isnull=False)
    if node.project_id:
        found = found.filter(run__runbook__project=node.project_id)
    return list(found.select_related("run__runbook__project").order_by("-pk")[:limit])


def being_looked_at(*, node: Node, now: datetime) -> bool:
    """Whether somebody waits to see its host key, and it is worth waiting."""
    if node.key_asked_at is None or now - node.key_asked_at > LOOK_PATIENCE:
        return False
    return node.key_looked_at is None or node.key_looked_at < node.key_asked_at or node.key_found is None


def facts_of(rows: Iterable[tuple[Any, ...]]) -> Iterator[NodeFacts]:
    """ROWS are of the columns FACTS."""
    for pk, name, tags, attributes in rows:
        yield NodeFacts(name=name, tags=tuple(tags), attributes=attributes, id=str(pk))


def host_key(*, node: Node, key_id: str, action: str) -> HostKey:
    """Raises Hidden."""
    key = as_uuid(key_id)
    found = node.host_keys.select_related("node__project", "decided_by").filter(pk=key).first() if key else None
    if found is None:
        raise Hidden(action=action, kind="host_key", name=key_id[:64], id=str(key or ""))
    return found


def _matching(q: str, among: QuerySet[Node]) -> Selection:
    if problem := selector_problem(q):
        raise Invalid([Problem("/q", "invalid_query", problem)])
    return selected(q, nodes=facts_of(among.order_by().values_list(*FACTS)), go_on=for_seconds(SELECT_SECONDS))


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Says yes for that long."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end
