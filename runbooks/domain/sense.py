"""What JSON Schema cannot say about a definition: each check names the field that has to change."""

from collections.abc import Iterable, Iterator

from runbooks.domain.environment import VARIABLE, is_reserved
from runbooks.domain.machines.selectors import selector_problem
from runbooks.domain.moments import instant_of
from runbooks.domain.parameters import MAX_VALUES_BYTES, Parameter, ParameterType, value_problems
from runbooks.domain.patterns import pattern_problems
from runbooks.domain.problems import Problem, pointer_to, shown

SHORTEST_SECONDS = 1
LONGEST_SECONDS = 24 * 3600

_COUNTED = {ParameterType.INTEGER, ParameterType.CHOICES, ParameterType.FILE}


def size_problems(text: str, *, most: int, pointer: str) -> Iterator[Problem]:
    """The schema counts characters, the disk bytes."""
    if len(text.encode()) > most:
        yield Problem(pointer, "too_long", f"This may have at most {most:,} bytes.")


def timeout_problems(seconds: float, *, pointer: str) -> Iterator[Problem]:
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        yield Problem(pointer, "out_of_range", "A timeout must lie between 1s and 24h.")


def first_line_problems(script: str, *, pointer: str) -> Iterator[Problem]:
    """For a script that names its own interpreter."""
    line = script.partition("\n")[0]
    if not line.startswith("#!"):
        detail = "Without an interpreter the script must begin with a #! line, such as #!/bin/sh."
        yield Problem(pointer, "no_interpreter", detail)
    elif "\r" in line:
        detail = (
            "The #! line ends in a carriage return, so the system would look for an interpreter of that name: "
            "save the script with Unix line ends (LF)."
        )
        yield Problem(pointer, "carriage_return", detail)
    elif not line.removeprefix("#!").strip():
        yield Problem(pointer, "no_interpreter", "The #! line names no interpreter.")


def secret_name_problems(names: Iterable[str], *, pointer: str) -> Iterator[Problem]:
    for name in names:
        place = f"{pointer}{pointer_to(name)}"
        if not VARIABLE.fullmatch(name):
            detail = "The name of a variable holds up to 64 capital letters, digits and underscores, no digit first."
            yield Problem(place, "bad_format", detail)
        elif is_reserved(name):
            detail = (
                f"A variable {shown(name)} would change what the script's interpreter does, or what opsaas tells it."
            )
            yield Problem(place, "reserved", detail)


def parameter_problems(parameter: Parameter, *, pointer: str) -> list[Problem]:
    """Whether a parameter's rules agree with each other, and its default with them."""
    problems = list(_range_problems(parameter, pointer))
    if parameter.pattern is not None:
        problems.extend(pattern_problems(parameter.pattern, pointer=f"{pointer}/pattern"))
    if parameter.query and (problem := selector_problem(parameter.query)):
        problems.append(Problem(f"{pointer}/from", "invalid_condition", problem))
    if not problems and parameter.default is not None:
        problems.extend(value_problems(parameter, parameter.default, pointer=f"{pointer}/default"))
    return problems


def _range_problems(parameter: Parameter, pointer: str) -> Iterator[Problem]:
    if parameter.type is ParameterType.DATETIME:
        yield from _moment_range_problems(parameter, pointer)
        return
    for name, limit in (("min", parameter.min), ("max", parameter.max)):
        if limit is not None and parameter.type in _COUNTED and not float(limit).is_integer():
            yield Problem(f"{pointer}/{name}", "wrong_type", "This limit must be a whole number.")
        if limit is not None and parameter.type is ParameterType.CHOICES and not 0 <= limit <= len(parameter.choices):
            detail = f"This must lie between 0 and the number of choices, {len(parameter.choices)}."
            yield Problem(f"{pointer}/{name}", "out_of_range", detail)
        if limit is not None and parameter.type is ParameterType.FILE and not 0 <= limit <= MAX_VALUES_BYTES:
            detail = f"The size of a file lies between 0 and {MAX_VALUES_BYTES:,} bytes."
            yield Problem(f"{pointer}/{name}", "out_of_range", detail)
    if parameter.min is not None and parameter.max is not None and parameter.min > parameter.max:
        yield Problem(f"{pointer}/max", "bad_range", f"The maximum is below the minimum of {parameter.min}.")


def _moment_range_problems(parameter: Parameter, pointer: str) -> Iterator[Problem]:
    limits = {"min": parameter.earliest, "max": parameter.latest}
    instants = {name: instant_of(text) for name, text in limits.items() if text is not None}
    for name, instant in instants.items():
        if instant is None:
            detail = "The limit of a datetime must be one too, such as 2026-11-21T14:00:00Z."
            yield Problem(f"{pointer}/{name}", "bad_format", detail)
    earliest, latest = instants.get("min"), instants.get("max")
    if earliest is not None and latest is not None and earliest > latest:
        yield Problem(f"{pointer}/max", "bad_range", f"The maximum is before the minimum of {parameter.earliest}.")
