"""A runbook as code: from parsed JSON or YAML to a Definition that holds, or to every reason why not."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from runbooks.domain.json_tree import problems_in_tree
from runbooks.domain.parameters import Parameter, ParameterType, normal
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.schema import DEFAULT_TIMEOUT, MAX_PARAMETERS, MAX_STEPS, MAX_TEXT
from runbooks.domain.schema_problems import schema_problems
from runbooks.domain.sense import (
    first_line_problems,
    parameter_problems,
    repeated_names,
    size_problems,
    timeout_problems,
)

MOST_ENTRIES = max(MAX_PARAMETERS, MAX_STEPS)  # the schema has looked at no more
DEFAULT_SCRIPT_NAME = "main"

_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")

Fields = Mapping[str, Any]  # an object that the schema has accepted


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"  # asks for a reason


@dataclass(frozen=True)
class Step:
    """One script of a runbook."""

    id: str
    script: str
    script_name: str
    interpreter: tuple[str, ...] | None  # None: the script's own #! line decides
    timeout_seconds: float
    title: str = ""
    hint: str = ""  # Markdown


@dataclass(frozen=True)
class Definition:
    """All that a version says: document, inputs and steps."""

    project: str
    slug: str
    title: str
    tags: tuple[str, ...]
    alerts: tuple[str, ...]
    doc: str  # Markdown
    risk: Risk
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]


def parse_definition(data: object) -> Definition:
    """The definition in DATA, a tree of parsed JSON or YAML; raises Invalid with all that is wrong with it."""
    if problems := problems_in_tree(data):
        raise Invalid(problems)
    found = schema_problems(data)
    found.extend(_sense_problems(data, broken=[problem.pointer for problem in found]))
    if found or not isinstance(data, dict):
        raise Invalid(found)
    return accepted_definition(data)


def accepted_definition(data: Fields) -> Definition:
    """The definition in a tree that parse_definition once took. Quick, and never refuses what later rules would."""
    metadata, spec = data["metadata"], data["spec"]
    return Definition(
        project=metadata["project"],
        slug=metadata["slug"],
        title=metadata["title"],
        tags=tuple(metadata.get("tags", ())),
        alerts=tuple(metadata.get("alerts", ())),
        doc=data.get("doc", ""),
        risk=Risk(spec.get("risk", Risk.LOW)),
        parameters=tuple(_parameter(fields) for fields in spec.get("parameters", ())),
        steps=tuple(_step(fields) for fields in spec["steps"]),
    )


def seconds_of(duration: str) -> float:
    """ "1h30m" in seconds."""
    found = _DURATION.fullmatch(duration)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return float(hours * 3600 + minutes * 60 + seconds)


def _sense_problems(data: object, *, broken: Sequence[str]) -> Iterator[Problem]:
    """What is wrong beyond the schema, in those parts that the schema has nothing against."""

    def sound(pointer: str) -> bool:
        return not any(pointer == place or place.startswith(f"{pointer}/") for place in broken)

    parameters = [(place, fields) for place, fields in _entries(data, "parameters") if sound(place)]
    steps = [(place, fields) for place, fields in _entries(data, "steps") if sound(place)]
    yield from repeated_names((f"{place}/name", fields["name"]) for place, fields in parameters)
    yield from repeated_names((f"{place}/id", fields["id"]) for place, fields in steps)
    for place, fields in parameters:
        yield from parameter_problems(_parameter(fields), pointer=place)
    for place, fields in steps:
        yield from _step_problems(fields, pointer=place)
    if isinstance(data, dict) and sound("/doc"):
        yield from size_problems(data.get("doc", ""), most=MAX_TEXT, pointer="/doc")


def _entries(data: object, name: str) -> Iterator[tuple[str, Fields]]:
    spec = data.get("spec") if isinstance(data, dict) else None
    entries = spec.get(name) if isinstance(spec, dict) else None
    for index, fields in enumerate(entries[:MOST_ENTRIES] if isinstance(entries, list) else []):
        if isinstance(fields, dict):
            yield f"/spec/{name}/{index}", fields


def _step_problems(fields: Fields, *, pointer: str) -> Iterator[Problem]:
    step = _step(fields)
    place = f"{pointer}/script/text" if isinstance(fields["script"], dict) else f"{pointer}/script"
    yield from size_problems(step.script, most=MAX_TEXT, pointer=place)
    if step.interpreter is None:
        yield from first_line_problems(step.script, pointer=place)
    yield from timeout_problems(step.timeout_seconds, pointer=f"{pointer}/timeout")


def _parameter(fields: Fields) -> Parameter:
    kind = ParameterType(fields["type"])
    parameter = Parameter(
        name=fields["name"],
        type=kind,
        required=fields.get("required", "default" not in fields),
        min=fields.get("min"),
        max=fields.get("max"),
        choices=tuple(fields.get("choices", ())),
        pattern=fields.get("pattern"),
        confirm=fields.get("confirm", False),
        help=fields.get("help", ""),
    )
    return replace(parameter, default=normal(parameter, fields.get("default")))


def _step(fields: Fields) -> Step:
    script = fields["script"]
    named = isinstance(script, dict)
    return Step(
        id=fields["id"],
        script=script["text"] if named else script,
        script_name=script["name"] if named else DEFAULT_SCRIPT_NAME,
        interpreter=tuple(fields["interpreter"]) if "interpreter" in fields else None,
        timeout_seconds=seconds_of(fields.get("timeout", DEFAULT_TIMEOUT)),
        title=fields.get("title", ""),
        hint=fields.get("hint", ""),
    )
