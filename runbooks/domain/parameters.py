"""The typed inputs of a runbook, and the one check of every value that is given for them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from runbooks.domain import files
from runbooks.domain.machines.nodes import NODE_NAME
from runbooks.domain.moments import instant_of
from runbooks.domain.patterns import MAX_TEXT_BYTES, matches_whole
from runbooks.domain.ports import GivenFile, JsonValue
from runbooks.domain.problems import Invalid, Problem, pointer_to, shown
from runbooks.domain.secrecy import secret_values
from runbooks.domain.syntax.json_tree import check_number, check_text

MAX_VALUES_BYTES = 1024 * 1024  # of all values of a run together


class ParameterType(StrEnum):
    STRING = "string"  # one line
    TEXT = "text"  # any number of lines
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    CHOICES = "choices"  # several of them, as a list
    NODE = "node"  # its name
    DATETIME = "datetime"  # RFC 3339 with an offset; kept as it was given
    FILE = "file"  # see files.py
    SECRET = "secret"  # text that is sealed for its run, and never among the values that are kept or shown  # noqa: S105


@dataclass(frozen=True)
class Parameter:
    """One typed input. Frozen, and already known to be sound in itself: see definition.py."""

    name: str
    type: ParameterType
    required: bool = True
    default: JsonValue = None  # None: there is no default
    min: float | None = None  # of a number; of choices, how many; of a file, how many bytes
    max: float | None = None
    earliest: str | None = None  # `min` and `max` of a datetime
    latest: str | None = None
    choices: tuple[str, ...] = ()
    query: str = ""  # of a node: which there are to choose from
    pattern: str | None = None  # RE2, must match the whole value
    confirm: bool = False  # the form asks to type the value again
    help: str = ""


def clean_values(parameters: Sequence[Parameter], given: object) -> dict[str, JsonValue]:
    """The values of a run, complete and in the order of the parameters; raises Invalid with all that is wrong."""
    if not isinstance(given, Mapping):
        raise Invalid([Problem("/parameters", "wrong_type", "The parameters must be an object of names and values.")])
    values: dict[str, JsonValue] = {}
    problems = list(_unknown_names(parameters, given))
    for parameter in parameters:
        pointer = pointer_to("parameters", parameter.name)
        if parameter.name in given:
            value = given[parameter.name]
            problems.extend(value_problems(parameter, value, pointer=pointer))
            values[parameter.name] = normal(parameter, value)
        elif parameter.default is not None:
            values[parameter.name] = parameter.default
        elif parameter.required:
            problems.append(Problem(pointer, "required", "A value is needed here."))
    if not problems and sum(_size(value) for value in values.values()) > MAX_VALUES_BYTES:
        detail = f"All values together may have at most {MAX_VALUES_BYTES:,} bytes."
        problems.append(Problem("/parameters", "too_long", detail))
    if problems:
        raise Invalid(problems)
    return values


def value_problems(parameter: Parameter, value: object, *, pointer: str) -> list[Problem]:
    """Everything that keeps VALUE from being a value of PARAMETER."""
    match parameter.type:
        case ParameterType.STRING | ParameterType.TEXT:
            found = _text_problems(parameter, value, pointer)
        case ParameterType.INTEGER | ParameterType.NUMBER:
            found = _number_problems(parameter, value, pointer)
        case ParameterType.BOOLEAN:
            found = _boolean_problems(value, pointer)
        case ParameterType.CHOICE:
            found = _choice_problems(parameter, value, pointer)
        case ParameterType.CHOICES:
            found = _choices_problems(parameter, value, pointer)
        case ParameterType.NODE:
            found = _node_problems(value, pointer)
        case ParameterType.DATETIME:
            found = _moment_problems(parameter, value, pointer)
        case ParameterType.SECRET:
            found = _secret_problems(parameter, value, pointer)
        case ParameterType.FILE:
            most = min(MAX_VALUES_BYTES, int(parameter.max or MAX_VALUES_BYTES))
            found = files.file_problems(value, most=most, least=int(parameter.min or 0), pointer=pointer)
    return list(found)


def normal(parameter: Parameter, value: JsonValue) -> JsonValue:
    """A sound value in its one form: JSON's 2.0 is the integer 2."""
    if parameter.type is ParameterType.INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    if parameter.type is ParameterType.FILE and (file := files.upload_of(value)):
        return files.reference_to(file)
    return value


def uploads_in(parameters: Sequence[Parameter], given: Mapping[str, object]) -> dict[str, GivenFile]:
    """The files whose content came with the values, by parameter."""
    names = [parameter.name for parameter in parameters if parameter.type is ParameterType.FILE]
    found = {name: files.upload_of(given.get(name)) for name in names}
    return {name: file for name, file in found.items() if file}


def apart(
    parameters: Sequence[Parameter], values: Mapping[str, JsonValue]
) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """Checked VALUES in two: what everybody who sees the run may see, and what nobody may."""
    names = {parameter.name for parameter in parameters if parameter.type is ParameterType.SECRET}
    shown = {name: value for name, value in values.items() if name not in names}
    return shown, {name: str(value) for name, value in values.items() if name in names}


def _unknown_names(parameters: Sequence[Parameter], given: Mapping[str, object]) -> Iterator[Problem]:
    known = {parameter.name for parameter in parameters}
    for name in given:
        if name not in known:
            detail = f"This runbook has no parameter {shown(str(name))}."
            yield Problem(pointer_to("parameters", str(name)), "unknown_parameter", detail)


def _text_problems(parameter: Parameter, value: object, pointer: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem(pointer, "wrong_type", "This must be text.")
        return
    if bad := check_text(value, pointer=pointer):
        yield from bad
        return
    most = MAX_VALUES_BYTES if parameter.pattern is None else MAX_TEXT_BYTES
    if _size(value) > most:
        yield Problem(pointer, "too_long", f"This may have at most {most:,} bytes.")
        return
    if parameter.type is ParameterType.STRING and ("\n" in value or "\r" in value):
        yield Problem(pointer, "many_lines", "This must be a single line.")
    if parameter.pattern is not None and not matches_whole(parameter.pattern, value):
        detail = f"The whole value must match the pattern {parameter.pattern}"
        yield Problem(pointer, "pattern_mismatch", detail)


def _secret_problems(parameter: Parameter, value: object, pointer: str) -> Iterator[Problem]:
    """No sentence repeats the value."""
    if not isinstance(value, str):
        yield Problem(pointer, "wrong_type", "This must be text.")
        return
    if bad := secret_values.value_problems(value, pointer=pointer):
        yield from bad
    elif parameter.pattern is not None and not matches_whole(parameter.pattern, value):
        yield Problem(pointer, "pattern_mismatch", f"The whole value must match the pattern {parameter.pattern}")


def _number_problems(parameter: Parameter, value: object, pointer: str) -> Iterator[Problem]:
    whole = parameter.type is ParameterType.INTEGER
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Problem(pointer, "wrong_type", "This must be a whole number." if whole else "This must be a number.")
        return
    if bad := check_number(value, pointer=pointer):
        yield from bad
        return
    if whole and not float(value).is_integer():
        yield Problem(pointer, "wrong_type", "This must be a whole number.")
    if parameter.min is not None and value < parameter.min:
        yield Problem(pointer, "too_small", f"This must be at least {parameter.min}.")
    if parameter.max is not None and value > parameter.max:
        yield Problem(pointer, "too_large", f"This must be at most {parameter.max}.")


def _boolean_problems(value: object, pointer: str) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield Problem(pointer, "wrong_type", "This must be true or false.")


def _choice_problems(parameter: Parameter, value: object, pointer: str) -> Iterator[Problem]:
    if not isinstance(value, str) or value not in parameter.choices:
        yield Problem(pointer, "not_a_choice", f"This must be one of: {listed(parameter.choices)}.")


def _choices_problems(parameter: Parameter, value: object, pointer: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield Problem(pointer, "wrong_type", "This must be a list of choices.")
        return
    if any(not isinstance(one, str) or one not in parameter.choices for one in value):
        yield Problem(pointer, "not_a_choice", f"Each must be one of: {listed(parameter.choices)}.")
        return
    if len(set(value)) < len(value):
        yield Problem(pointer, "repeated", "The same choice is named more than once.")
    least = fewest(parameter)
    if len(value) < least:
        yield Problem(pointer, "too_few", f"Choose at least {least:g}.")
    if parameter.max is not None and len(value) > parameter.max:
        yield Problem(pointer, "too_many", f"Choose at most {parameter.max:g}.")


def fewest(parameter: Parameter) -> float:
    """How many choices have to be made, where any are: a value that is needed is not an empty list."""
    if parameter.min is not None:
        return parameter.min
    return 1 if parameter.required else 0


def _moment_problems(parameter: Parameter, value: object, pointer: str) -> Iterator[Problem]:
    instant = instant_of(value) if isinstance(value, str) else None
    if instant is None:
        detail = (
            "This must be a date and time with its offset, such as 2026-11-21T14:00:00Z or 2026-11-21T15:00:00+01:00."
        )
        yield Problem(pointer, "bad_format" if isinstance(value, str) else "wrong_type", detail)
        return
    earliest, latest = (instant_of(limit) if limit else None for limit in (parameter.earliest, parameter.latest))
    if earliest is not None and instant < earliest:
        yield Problem(pointer, "too_early", f"This must not be before {parameter.earliest}.")
    if latest is not None and instant > latest:
        yield Problem(pointer, "too_late", f"This must not be after {parameter.latest}.")


def _node_problems(value: object, pointer: str) -> Iterator[Problem]:
    """Whether there is such a node is for who knows the inventory."""
    if not isinstance(value, str) or not NODE_NAME.fullmatch(value):
        yield Problem(pointer, "wrong_type", "This must be the name of a node.")


def listed(choices: Sequence[str], *, most: int = 12) -> str:
    """CHOICES for a sentence, a long list cut short."""
    more = f" and {len(choices) - most} more" if len(choices) > most else ""
    return ", ".join(choices[:most]) + more


def _size(value: JsonValue) -> int:
    if isinstance(value, Mapping):
        return files.size_of(value)
    return len((value if isinstance(value, str) else json.dumps(value)).encode())
