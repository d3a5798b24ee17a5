"""Another runbook as a step: which one, and what it is given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runbooks.domain.conditions import SO_FAR, value_of
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Problem, pointer_to

MOST_DEPTH = 5  # a runbook that runs another, which runs another …
MOST_CALLS = 100  # in all that one run leads to


@dataclass(frozen=True)
class Call:
    path: str  # "project/slug"
    number: int | None = None  # of the version; None: the one that is published when the run is asked for
    literals: Mapping[str, JsonValue] = field(default_factory=dict)  # values by parameter
    sources: Mapping[str, str] = field(default_factory=dict)  # CEL by parameter

    @property
    def project(self) -> str:
        return self.path.partition("/")[0]

    @property
    def slug(self) -> str:
        return self.path.partition("/")[2]

    def values(self, seen: Mapping[str, JsonValue | datetime]) -> dict[str, JsonValue]:
        """What it is given; SEEN is what conditions see. Raises ConditionFailed."""
        known = {name: seen[name] for name in SO_FAR.maps}
        found = {name: value_of(text, vocabulary=SO_FAR, values=known) for name, text in self.sources.items()}
        return {**self.literals, **found}


@dataclass(frozen=True)
class PlannedCall:
    """What a step will run, frozen when the run was asked for."""

    runbook: str  # "project/slug"
    number: int
    version: str  # hash of its manifest


def call_of(fields: Mapping[str, Any]) -> Call:
    given = fields.get("parameters", {})
    sources = {name: value["from"] for name, value in given.items() if isinstance(value, dict)}
    literals = {name: value for name, value in given.items() if name not in sources}
    return Call(fields["path"], fields.get("version"), literals, sources)


def sources_of(step: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The expressions of a step that the schema has accepted, each with its place below the step."""
    for name, text in call_of(step["runbook"]).sources.items() if "runbook" in step else ():
        yield pointer_to("runbook", "parameters", name, "from").removeprefix("/"), text


def circle_problems(step: Mapping[str, Any], *, within: str, pointer: str) -> Iterator[Problem]:
    """WITHIN is the runbook's own path. A circle through others is found when a run is asked for."""
    if step.get("runbook", {}).get("path") == within:
        detail = "A runbook can't run itself: it would never come to an end."
        yield Problem(f"{pointer}/runbook/path", "circle", detail)


def inner_of(step: str, calls: Mapping[str, PlannedCall]) -> dict[str, PlannedCall]:
    """Of CALLS, by "step" and "step/its step", those of the runbook that STEP runs."""
    beginning = f"{step}/"
    return {key.removeprefix(beginning): call for key, call in calls.items() if key.startswith(beginning)}
