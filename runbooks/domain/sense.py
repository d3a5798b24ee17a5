"""What JSON Schema cannot say about a definition: each check names the field that has to change."""

from collections.abc import Iterable, Iterator

from runbooks.domain.parameters import Parameter, ParameterType, value_problems
from runbooks.domain.patterns import pattern_problems
from runbooks.domain.problems import Problem, shown

SHORTEST_SECONDS = 1
LONGEST_SECONDS = 24 * 3600


def repeated_names(names: Iterable[tuple[str, object]]) -> Iterator[Problem]:
    """NAMES come with their pointers; the first of a name is right, the others are not."""
    seen: set[str] = set()
    for pointer, name in names:
        if isinstance(name, str):
            if name in seen:
                yield Problem(pointer, "repeated", f"Another one before this is called {shown(name)} already.")
            seen.add(name)


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


def parameter_problems(parameter: Parameter, *, pointer: str) -> list[Problem]:
    """Whether a parameter's rules agree with each other, and its default with them."""
    problems = list(_range_problems(parameter, pointer))
    if parameter.pattern is not None:
        problems.extend(pattern_problems(parameter.pattern, pointer=f"{pointer}/pattern"))
    if not problems and parameter.default is not None:
        problems.extend(value_problems(parameter, parameter.default, pointer=f"{pointer}/default"))
    return problems


def _range_problems(parameter: Parameter, pointer: str) -> Iterator[Problem]:
    for name, limit in (("min", parameter.min), ("max", parameter.max)):
        if limit is not None and parameter.type is ParameterType.INTEGER and not float(limit).is_integer():
            yield Problem(f"{pointer}/{name}", "wrong_type", "The limit of an integer must be a whole number.")
    if parameter.min is not None and parameter.max is not None and parameter.min > parameter.max:
        yield Problem(f"{pointer}/max", "bad_range", f"The maximum is below the minimum of {parameter.min}.")
