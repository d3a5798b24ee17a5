"""A runbook as code: from parsed JSON or YAML to a Definition that holds, or to every reason why not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from runbooks.domain import containment
from runbooks.domain.approval_rules import NO_POLICY, Policy, policy_of, policy_problems
from runbooks.domain.calls import Call, circle_problems, sources_of
from runbooks.domain.durations import seconds_of
from runbooks.domain.flow import NO_FLOW, Concurrency, Flow, concurrency_of, flow_of, handlers_in
from runbooks.domain.flow_sense import StepPlace, flow_problems, names_in
from runbooks.domain.guardrails import NO_GUARDRAILS, Guardrails, guardrail_problems, guardrails_of
from runbooks.domain.machines.targets import Targets, targets_of, targets_problems
from runbooks.domain.names import repeated_names
from runbooks.domain.parameters import Parameter, ParameterType, normal
from runbooks.domain.pauses import Pause, default_timeout, kind_problems, pause_of, wait_problems
from runbooks.domain.ports import Containment
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.schema.problems import schema_problems
from runbooks.domain.schema.whole import DEFAULT_TIMEOUT, MAX_PARAMETERS, MAX_STEPS, MAX_TEXT
from runbooks.domain.sense import (
    first_line_problems,
    parameter_problems,
    secret_name_problems,
    size_problems,
    timeout_problems,
)
from runbooks.domain.syntax.json_tree import problems_in_tree

MOST_ENTRIES = max(MAX_PARAMETERS, MAX_STEPS)  # the schema has looked at no more
DEFAULT_SCRIPT_NAME = "main"

Fields = Mapping[str, Any]  # an object that the schema has accepted


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"  # asks for a reason


@dataclass(frozen=True)
class Step:
    """One script of a runbook, or a pause between scripts, such as for another runbook's run: then the fields of
    scripts are empty."""

    id: str
    script: str
    script_name: str
    interpreter: tuple[str, ...] | None  # None: the script's own #! line decides
    timeout_seconds: float
    title: str = ""
    hint: str = ""  # Markdown
    secrets: tuple["SecretUse", ...] = ()
    flow: Flow = NO_FLOW
    pause: Pause | None = None
    local: bool = False  # on the worker, although the runbook has targets


@dataclass(frozen=True)
class SecretUse:
    """A secret that a step gets."""

    name: str  # of the environment variable
    path: str  # "project/slug"
    as_file: bool = False  # the variable holds the path of a file


@dataclass(frozen=True)
class Telling:
    """Who is told of what."""

    to: str
    events: tuple[str, ...]


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
    cleanup: tuple[str, ...] = ()  # ids of the steps that run whatever happened, in this order
    concurrency: Concurrency | None = None
    containment: Containment = field(default_factory=Containment)
    targets: Targets | None = None  # None: steps run on the worker
    notify: tuple[Telling, ...] = ()
    policy: Policy = NO_POLICY
    guardrails: Guardrails = NO_GUARDRAILS

    @property
    def calls(self) -> dict[str, Call]:
        """The steps that are other runbooks, by id."""
        return {step.id: step.pause for step in self.steps if isinstance(step.pause, Call)}

    @property
    def secrets(self) -> dict[str, str]:
        """Paths of all secrets that steps get, by "step.VARIABLE": what a review vouches for and a plan freezes."""
        return {f"{step.id}.{use.name}": use.path for step in self.steps for use in step.secrets}


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
        cleanup=tuple(spec.get("cleanup", ())),
        concurrency=concurrency_of(spec),
        containment=containment.parsed(spec.get("containment", {})),
        targets=targets_of(spec.get("targets")),
        notify=tuple(Telling(fields["to"], tuple(fields["on"])) for fields in spec.get("notify", ())),
        policy=policy_of(spec),
        guardrails=guardrails_of(spec),
    )


def ordinary_steps(definition: Definition) -> tuple[str, ...]:
    """Ids of the steps that run in their order, by themselves: no handlers and no cleanup."""
    apart = {*definition.cleanup, *handlers_in(step.flow for step in definition.steps)}
    return tuple(step.id for step in definition.steps if step.id not in apart)


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
    yield from _containment_problems(data, sound=sound)
    if isinstance(data, dict) and sound("/spec"):
        yield from _flow_problems(data["spec"])
        yield from _place_problems(data["spec"])
        yield from _call_problems(data["spec"], within=_path(data["metadata"]) if sound("/metadata") else "")
    if isinstance(data, dict) and sound("/doc"):
        yield from size_problems(data.get("doc", ""), most=MAX_TEXT, pointer="/doc")


def _entries(data: object, name: str) -> Iterator[tuple[str, Fields]]:
    spec = data.get("spec") if isinstance(data, dict) else None
    entries = spec.get(name) if isinstance(spec, dict) else None
    for index, fields in enumerate(entries[:MOST_ENTRIES] if isinstance(entries, list) else []):
        if isinstance(fields, dict):
            yield f"/spec/{name}/{index}", fields


def _containment_problems(data: object, *, sound: Callable[[str], bool]) -> Iterator[Problem]:
    spec, pointer = data.get("spec") if isinstance(data, dict) else None, "/spec/containment"
    if isinstance(spec, dict) and isinstance(fields := spec.get("containment"), dict) and sound(pointer):
        yield from containment.containment_problems(containment.parsed(fields), pointer=pointer)


def _step_problems(fields: Fields, *, pointer: str) -> Iterator[Problem]:
    step, script = _step(fields), fields.get("script", "")
    place = f"{pointer}/script/text" if isinstance(script, dict) else f"{pointer}/script"
    yield from kind_problems(fields, pointer=pointer)
    yield from size_problems(step.script, most=MAX_TEXT, pointer=place)
    if step.interpreter is None and script:
        yield from first_line_problems(step.script, pointer=place)
    yield from wait_problems(fields, pointer=pointer, timeout_seconds=step.timeout_seconds)
    if "timeout" in fields:
        yield from timeout_problems(step.timeout_seconds, pointer=f"{pointer}/timeout")
    yield from secret_name_problems(fields.get("secrets", ()), pointer=f"{pointer}/secrets")


def _flow_problems(spec: Fields) -> Iterator[Problem]:
    """Only of a whole that the schema has nothing against: names refer to what stands elsewhere."""
    places = [StepPlace(f"/spec/steps/{index}", step) for index, step in enumerate(spec["steps"])]
    parameters = frozenset(fields["name"] for fields in spec.get("parameters", ()))
    yield from flow_problems(spec, steps=places, parameters=parameters)
    yield from policy_problems(spec, parameters=parameters)
    yield from guardrail_problems(spec)


def _path(metadata: Fields) -> str:
    return f"{metadata['project']}/{metadata['slug']}"


def _call_problems(spec: Fields, *, within: str) -> Iterator[Problem]:
    secret = {one["name"] for one in spec.get("parameters", ()) if one["type"] == ParameterType.SECRET}
    for index, step in enumerate(spec["steps"]):
        pointer = f"/spec/steps/{index}"
        yield from circle_problems(step, within=within, pointer=pointer)
        for place, text in sources_of(step):
            if names_in(text, "params") & secret:
                detail = (
                    "A secret value is only for the scripts of the run that it was given to: it can't be handed on."
                )
                yield Problem(f"{pointer}/{place}", "not_applicable", detail)


def _place_problems(spec: Fields) -> Iterator[Problem]:
    """Where steps run."""
    if "targets" in spec:
        yield from targets_problems(spec["targets"])
        remote = any("script" in step and not step.get("local") for step in spec["steps"])
        sentence = containment.not_over_ssh(containment.parsed(spec.get("containment", {})))
        if remote and sentence:
            yield Problem("/spec/containment", "contradiction", sentence)
        return
    for index, step in enumerate(spec["steps"]):
        if step.get("local"):
            detail = "Without targets every step runs on the worker: leave this out."
            yield Problem(f"/spec/steps/{index}/local", "not_applicable", detail)


def _parameter(fields: Fields) -> Parameter:
    kind = ParameterType(fields["type"])
    parameter = Parameter(
        name=fields["name"],
        type=kind,
        required=fields.get("required", "default" not in fields),
        **_limits(fields),
        choices=tuple(fields.get("choices", ())),
        pattern=fields.get("pattern"),
        confirm=fields.get("confirm", False),
        help=fields.get("help", ""),
        query=fields.get("from", ""),
    )
    return replace(parameter, default=normal(parameter, fields.get("default")))


def _limits(fields: Fields) -> dict[str, Any]:
    """`min` and `max`, which are texts for moments and numbers for all else."""
    names = ("earliest", "latest") if fields["type"] == ParameterType.DATETIME else ("min", "max")
    return dict(zip(names, (fields.get("min"), fields.get("max")), strict=True))


def _step(fields: Fields) -> Step:
    script, pause = fields.get("script", ""), pause_of(fields)
    named = isinstance(script, dict)
    return Step(
        id=fields["id"],
        script=script["text"] if named else script,
        script_name=script["name"] if named else DEFAULT_SCRIPT_NAME,
        interpreter=tuple(fields["interpreter"]) if "interpreter" in fields else None,
        timeout_seconds=seconds_of(fields.get("timeout", default_timeout(fields) if pause else DEFAULT_TIMEOUT)),
        title=fields.get("title", ""),
        hint=fields.get("hint", ""),
        secrets=tuple(_secret(name, use) for name, use in fields.get("secrets", {}).items()),
        flow=flow_of(fields),
        pause=pause,
        local=fields.get("local", False),
    )


def _secret(name: str, use: str | Fields) -> SecretUse:
    if isinstance(use, str):
        return SecretUse(name=name, path=use)
    return SecretUse(name=name, path=use["secret"], as_file=use.get("as") == "file")
