"""How a run that waits differs from the last one of its runbook that started: what an approver looks at first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbooks.domain.plan import read_plan
from runbooks.models import Run
from runbooks.queries.versions import diff

NODES_NAMED = 20


@dataclass(frozen=True)
class Changes:
    """Since RUN, the last one."""

    run: Run
    values: Sequence[tuple[str, object, object]]  # name, then, now
    more_nodes: Sequence[str]
    fewer_nodes: Sequence[str]
    text: str  # a unified diff of the two versions; empty where it is the same one

    @property
    def none(self) -> bool:
        return not (self.values or self.more_nodes or self.fewer_nodes or self.text)


def changes_since_last(run: Run) -> Changes | None:
    """None where it is the first."""
    earlier = Run.objects.filter(runbook=run.runbook_id, started_at__isnull=False, pk__lt=run.pk)
    last = earlier.select_related("version", "requested_by").order_by("-id").first()
    if last is None:
        return None
    then, now = _nodes(last), _nodes(run)
    return Changes(
        run=last,
        values=_values(last.parameters, run.parameters),
        more_nodes=[name for name in now if name not in set(then)][:NODES_NAMED],
        fewer_nodes=[name for name in then if name not in set(now)][:NODES_NAMED],
        text=diff(old=last.version, new=run.version) if last.version_id != run.version_id else "",
    )


def _nodes(run: Run) -> list[str]:
    return [node.name for node in read_plan(bytes(run.plan)).targets]


def _values(old: Mapping[str, object], new: Mapping[str, object]) -> list[tuple[str, object, object]]:
    names = [*old, *(name for name in new if name not in old)]
    return [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
