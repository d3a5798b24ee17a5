"""All that is about to happen, frozen when a run is asked for, and the hash that names it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from runbooks.domain.manifest import canonical, manifest_hash
from runbooks.domain.ports import JsonValue


@dataclass(frozen=True)
class Plan:
    """Every field is there from the start, empty until it works, so that hashes stay comparable."""

    runbook: str  # "project/slug"
    version: str  # hash of the version's manifest
    values: Mapping[str, JsonValue]
    targets: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, JsonValue] = field(default_factory=dict)
    containment: Mapping[str, JsonValue] = field(default_factory=dict)

    def as_json(self) -> dict[str, JsonValue]:
        return {**asdict(self), "targets": list(self.targets)}

    @property
    def canonical(self) -> bytes:
        return canonical(self.as_json())

    @property
    def hash(self) -> str:
        return manifest_hash(self.as_json())


def read_plan(text: bytes) -> Plan:
    data = json.loads(text)
    return Plan(**{**data, "targets": tuple(data["targets"])})
