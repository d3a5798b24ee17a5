"""What is tried: a file's definition and the values given for it, checked as the server checks them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbooks.cli.definitions import Local, read_definitions
from runbooks.cli.failures import OPSAAS_FAILED, Failure, usage
from runbooks.cli.output import say
from runbooks.cli.values import read_text, typed_values
from runbooks.domain.definition import Definition, parse_definition
from runbooks.domain.parameters import apart, clean_values, uploads_in
from runbooks.domain.ports import GivenFile, JsonValue
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.syntax.yaml_lines import lines_of

# What works here as it does on a worker. Anything else is refused: a try that passes over something proves nothing.
_OF_SPEC = frozenset({"risk", "parameters", "steps", "cleanup", "containment"})
_OF_STEP = frozenset(
    {"id", "title", "hint", "interpreter", "script", "timeout", "secrets", "when", "retries", "on_failure"}
    | {"manual", "wait", "runbook"}
)
_LEFT_OUT = {
    "concurrency": "other runs are not looked at",
    "policy": "nobody is asked to approve",
    "notify": "nobody is told",
}


@dataclass(frozen=True)
class Subject:
    definition: Definition
    values: dict[str, JsonValue]
    secret_values: dict[str, str]  # of parameters of the type secret, apart from all that is shown
    files: dict[str, GivenFile]


def read_subject(*, file: Path, given: Sequence[str], as_json: Sequence[str]) -> Subject:
    found = read_definitions([file])
    if len(found) > 1:
        raise usage(f"{file} holds {len(found)} definitions: name the one to try.")
    definition = checked(found[0])
    parameters = found[0].data["spec"].get("parameters", [])
    values = typed_values(given=given, as_json=as_json, parameters=parameters)
    try:
        accepted = clean_values(definition.parameters, values)
    except Invalid as invalid:
        raise _failure("These values are not accepted:", map(_sentence, invalid.problems)) from None
    shown, secret = apart(definition.parameters, accepted)
    files = uploads_in(definition.parameters, values)
    return Subject(definition=definition, values=shown, secret_values=secret, files=files)


def checked(local: Local) -> Definition:
    """Raises Failure with all that a server would not accept, and all that a try can't do."""
    try:
        definition = parse_definition(local.data)
    except Invalid as invalid:
        lines = lines_of(read_text(str(local.path)), [problem.pointer for problem in invalid.problems])
        said = (f"{local.path}:{line}: {_sentence(one)}" for line, one in zip(lines, invalid.problems, strict=True))
        raise _failure("This definition is not accepted:", said) from None
    if beyond := sorted(_beyond_us(local.data["spec"])):
        raise _failure("`opsaas try` can't do all of this definition; run it on a server. It has", beyond)
    for name in _LEFT_OUT.keys() & local.data["spec"].keys():
        say(f"opsaas: a try leaves out spec.{name}: {_LEFT_OUT[name]}.")
    return definition


def _beyond_us(spec: dict[str, Any]) -> set[str]:
    fields = {f"spec.{name}" for name in spec.keys() - _OF_SPEC - _LEFT_OUT.keys()}
    return fields | {f"spec.steps[].{name}" for step in spec["steps"] for name in step.keys() - _OF_STEP}


def _sentence(problem: Problem) -> str:
    return f"{problem.pointer or '(the whole)'}: {problem.detail}"


def _failure(head: str, lines: Iterable[str]) -> Failure:
    return Failure("\n  ".join([head, *lines]), exit_code=OPSAAS_FAILED)
