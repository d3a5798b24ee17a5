"""Which rules hear of an act: those of endpoints, by their place, and those of versions, by their `notify`."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from runbooks.domain.notices import names_of
from runbooks.domain.states import VersionState
from runbooks.models import AuditEvent, Endpoint, NotifyRule, Run


@dataclass(frozen=True)
class Act:
    """An event of the log, and what it is called as something to be told of; the most particular name first."""

    event: AuditEvent
    names: tuple[str, ...]

    @classmethod
    def of(cls, event: AuditEvent) -> "Act":
        details = json.loads(bytes(event.body))["details"]
        return cls(event, names_of(action=event.action, outcome=event.outcome, details=details))


@dataclass(frozen=True)
class Rule:
    events: Collection[str]
    to: str = ""  # whom, in words, where it is no endpoint
    endpoint: Endpoint | None = None


@dataclass
class Rules:
    """Keys are ids as the log writes them; "" stands for the installation."""

    of_places: dict[str, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    of_versions: dict[str, list[tuple[NotifyRule, Rule]]] = field(default_factory=lambda: defaultdict(list))

    def may_concern(self, act: Act) -> bool:
        heard = [rule for place in _places(act) for rule in self.of_places.get(place, ())]
        heard += [rule for _, rule in self.of_versions.get(act.event.runbook_id, ())]
        return any(set(rule.events) & set(act.names) for rule in heard)

    def of(self, act: Act, *, run: Run | None) -> Iterator[Rule]:
        """A run is told of by the rules of its own version, all else by those of the published one."""
        for place in _places(act):
            yield from (rule for rule in self.of_places.get(place, ()) if set(rule.events) & set(act.names))
        for row, rule in self.of_versions.get(act.event.runbook_id, ()):
            holds = row.version_id == run.version_id if run else row.version.state == VersionState.PUBLISHED
            if holds and set(rule.events) & set(act.names):
                yield rule


def rules_for(acts: Sequence[Act]) -> Rules:
    """All that might hear of these, by two statements."""
    projects = {act.event.project_id for act in acts if act.event.project_id}
    runbooks = {act.event.runbook_id for act in acts if act.event.runbook_id}
    rules = Rules()
    if not acts:
        return rules
    here = Q(project__in=projects) | Q(runbook__in=runbooks) | Q(project=None, runbook=None)
    endpoints = Endpoint.objects.filter(here, person=None, archived_at=None)
    for endpoint in endpoints.select_related("project", "runbook__project"):
        place = str(endpoint.runbook_id or endpoint.project_id or "")
        rules.of_places[place].append(Rule(endpoint.events, endpoint=endpoint))
    rows = NotifyRule.objects.filter(version__runbook_id__in=runbooks).select_related("version")
    for row in rows.defer("version__manifest"):
        rules.of_versions[str(row.version.runbook_id)].append((row, Rule(row.events, to=row.to)))
    return rules


def _places(act: Act) -> set[str]:
    return {act.event.runbook_id, act.event.project_id, ""}
