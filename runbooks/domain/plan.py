"""All that is about to happen, frozen when a run is asked for, and the hash that names it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache

from runbooks.domain.calls import PlannedCall
from runbooks.domain.machines.targets import PlannedNode
from runbooks.domain.manifest import canonical, manifest_hash
from runbooks.domain.ports import JsonValue

GIVEN = "params."  # no variable of a step is called in small letters


@dataclass(frozen=True)
class Plan:
    """Every field is there from the start, empty until it works, so that hashes stay comparable."""

    runbook: str  # "project/slug"
    version: str  # hash of the version's manifest
    values: Mapping[str, JsonValue]
    targets: tuple[PlannedNode, ...] = ()  # in the order in which they are begun
    secrets: Mapping[str, str] = field(default_factory=dict)  # by "step.VARIABLE" its path; by "params.name" its seal
    limits: Mapping[str, JsonValue] = field(default_factory=dict)
    containment: Mapping[str, JsonValue] = field(default_factory=dict)
    runbooks: Mapping[str, PlannedCall] = field(default_factory=dict)  # by "step" and "step/its step"

    def as_json(self) -> dict[str, JsonValue]:
        told = {**asdict(self), "targets": [{**asdict(node), "way": list(node.way)} for node in self.targets]}
        if not self.runbooks:
            del told["runbooks"]  # it came later than the others, and plans made before keep their hashes
        return told

    @property
    def paths(self) -> dict[str, str]:
        """Of the secrets that steps get, by "step.VARIABLE"."""
        return {place: path for place, path in self.secrets.items() if not place.startswith(GIVEN)}

    @property
    def seals(self) -> dict[str, str]:
        """Of the values that were given for secret parameters, by name."""
        return {at.removeprefix(GIVEN): seal for at, seal in self.secrets.items() if at.startswith(GIVEN)}

    @property
    def canonical(self) -> bytes:
        return canonical(self.as_json())

    @property
    def hash(self) -> str:
        return manifest_hash(self.as_json())


@lru_cache(maxsize=64)
def read_plan(text: bytes) -> Plan:
    """Asked several times at each step; a plan never changes."""
    data = json.loads(text)
    targets = tuple(PlannedNode(**{**node, "way": tuple(node["way"])}) for node in data["targets"])
    runbooks = {place: PlannedCall(**call) for place, call in data.get("runbooks", {}).items()}
    return Plan(**{**data, "targets": targets, "runbooks": runbooks})
