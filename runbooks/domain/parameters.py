"""The typed inputs of a runbook, and the one check of every value that is given for them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from runbooks.domain.json_tree import check_number, check_text
from runbooks.domain.patterns import MAX_TEXT_BYTES, matches_whole
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Invalid, Problem, pointer_to, shown

MAX_VALUES_BYTES = 1024 * 1024  # of all values of a run together

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,16}")
_DECIMAL_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_TICKED = {"on": True, "true": True, "false": False, "off": False, "": False}


class ParameterType(StrEnum):
    STRING = "string"  # one line
    TEXT = "text"  # any number of lines
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


@dataclass(frozen=True)
class Parameter:
    """One typed input. Frozen, and already known to be sound in itself: see definition.py."""

    name: str
    type: ParameterType
    required: bool = True
    default: JsonValue = None  # None: there is no default
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
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
    return list(found)


def normal(parameter: Parameter, value: JsonValue) -> JsonValue:
    """A sound value in its one form: JSON's 2.0 is the integer 2."""
    if parameter.type is ParameterType.INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def values_from_form(parameters: Sequence[Parameter], fields: Mapping[str, str]) -> dict[str, JsonValue]:
    """The JSON values that a posted HTML form means; what cannot be converted stays text for clean_values to refuse.

    An empty field is no value, but for text that has a default: who empties such a field means the empty text.
    """
    values: dict[str, JsonValue] = {}
    for parameter in parameters:
        posted = fields.get(parameter.name)
        if parameter.type is ParameterType.BOOLEAN:
            values[parameter.name] = _TICKED.get(posted or "", posted)
        elif posted or (posted == "" and isinstance(parameter.default, str) and not parameter.choices):
            values[parameter.name] = _from_field(parameter, posted)
    return values


def _from_field(parameter: Parameter, posted: str) -> JsonValue:
    match parameter.type:
        case ParameterType.TEXT:
            return posted.replace("\r\n", "\n")  # browsers post every line break of a text area as CRLF
        case ParameterType.INTEGER if _WHOLE_NUMBER.fullmatch(posted.strip()):
            return int(posted)
        case ParameterType.NUMBER if _WHOLE_NUMBER.fullmatch(posted.strip()):
            return int(posted)
        case ParameterType.NUMBER if _DECIMAL_NUMBER.fullmatch(posted.strip()):
            return float(posted)
    return posted


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


def listed(choices: Sequence[str], *, most: int = 12) -> str:
    """CHOICES for a sentence, a long list cut short."""
    more = f" and {len(choices) - most} more" if len(choices) > most else ""
    return ", ".join(choices[:most]) + more


def _size(value: JsonValue) -> int:
    return len((value if isinstance(value, str) else json.dumps(value)).encode())
