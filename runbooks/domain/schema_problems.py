"""Turns what JSON Schema finds wrong with a definition into sentences, each at its own field."""

import json
from collections.abc import Iterator
from itertools import islice

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from runbooks.domain.patterns import found_in
from runbooks.domain.problems import Problem, pointer_to, printable, shown
from runbooks.domain.schema import NOT_SUPPORTED_YET, PATTERN_RULES, RUNBOOK_SCHEMA, Schema

MOST_ERRORS = 500  # of the schema; more problems than anybody is told of

Path = tuple[str | int, ...]

_KINDS = {"object": "an object", "array": "a list", "string": "text", "number": "a number", "boolean": "true or false"}


def schema_problems(data: object) -> list[Problem]:
    """What the schema refuses in DATA, without repetitions and with a word for what is not supported yet."""
    errors = list(islice(_VALIDATOR.iter_errors(data), MOST_ERRORS))
    not_yet = {tuple(error.absolute_path) for error in errors if any(_later_fields(error))}
    problems: dict[Problem, None] = {}
    for error in errors:
        # A field that comes later may stand in for one that is required now: telling of both would mislead.
        if error.validator != "required" or tuple(error.absolute_path) not in not_yet:
            problems.update(dict.fromkeys(_problems(error)))
    return list(problems)


def _pattern(_: Validator, pattern: str, instance: object, __: Schema) -> Iterator[ValidationError]:
    """As ECMA-262 and RE2 understand `$`; Python's own lets a line break follow."""
    if isinstance(instance, str) and not found_in(pattern, instance):
        yield ValidationError("does not match")


def _unique_items(_: Validator, wanted: bool, instance: object, schema: Schema) -> Iterator[ValidationError]:
    """Texts only, since every such list is of texts; jsonschema's own takes quadratic time on mixed lists."""
    if wanted and isinstance(instance, list):
        texts = [item for item in instance if isinstance(item, str)]
        if len(set(texts)) < len(texts):
            yield ValidationError("has repetitions")


def _items(validator: Validator, items: Schema, instance: object, schema: dict[str, int]) -> Iterator[ValidationError]:
    """Only as many as the list may have: a hostile one has a million."""
    if isinstance(instance, list):
        for index, item in enumerate(instance[: schema["maxItems"]]):
            yield from validator.descend(item, items, path=index)


_VALIDATOR = extend(Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items, "items": _items})(
    RUNBOOK_SCHEMA
)


def _problems(error: ValidationError) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield Problem(pointer_to(*path, name), "required", "This field is needed.")
    elif error.validator == "additionalProperties":
        for name in _unknown_fields(error):
            yield _unknown_field((*path, name), error)
    elif error.validator == "enum" and (sentence := NOT_SUPPORTED_YET.get(f"{_place(path)}={error.instance}")):
        yield Problem(pointer_to(*path), "not_supported_yet", sentence)
    else:
        code, detail = _sentence(error)
        yield Problem(pointer_to(*path), code, detail)


def _sentence(error: ValidationError) -> tuple[str, str]:
    value = error.validator_value
    match error.validator:
        case "type":
            return "wrong_type", _type_sentence(error)
        case "enum":
            return "not_a_choice", f"This must be one of: {', '.join(value)}."
        case "const":
            return "not_a_choice", f"This must be {value}."
        case "pattern":
            return "bad_format", PATTERN_RULES[value]
        case "minLength" | "minItems":
            return "too_short", "This must not be empty."
        case "maxLength":
            return "too_long", f"This may have at most {value:,} characters."
        case "maxItems":
            return "too_long", f"This may have at most {value:,} entries."
        case "uniqueItems":
            return "repeated", "The same value is listed more than once."
        case "not":
            return "not_applicable", str(error.schema["description"])
    raise NotImplementedError(f"The schema uses {error.validator}, which has no sentence.")


def _type_sentence(error: ValidationError) -> str:
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    sentence = f"This must be {' or '.join(_KINDS[kind] for kind in wanted)}, not {_kind(error.instance)}"
    examples = error.schema.get("examples")
    return f"{sentence}; for example {json.dumps(examples[0])}." if examples else f"{sentence}."


def _kind(instance: object) -> str:
    match instance:
        case bool():
            return str(instance).lower()
        case str():
            return "text"
        case int() | float():
            return f"the number {instance}"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "empty"


def _unknown_fields(error: ValidationError) -> list[str]:
    return [name for name in error.instance if name not in error.schema["properties"]]


def _unknown_field(path: Path, error: ValidationError) -> Problem:
    pointer, place = pointer_to(*path), _place(path)
    if sentence := NOT_SUPPORTED_YET.get(place):
        return Problem(pointer, "not_supported_yet", sentence)
    if place == "spec.steps[].script.file":
        sentence = "The server cannot read files of yours: send the text. `opsaas apply` puts it in by itself."
        return Problem(pointer, "file_not_sent", sentence)
    known = ", ".join(error.schema["properties"])
    return Problem(pointer, "unknown_field", f"There is no field {shown(str(path[-1]))} here; there are {known}.")


def _later_fields(error: ValidationError) -> Iterator[str]:
    if error.validator == "additionalProperties":
        for name in _unknown_fields(error):
            place = _place((*error.absolute_path, name))
            if place in NOT_SUPPORTED_YET or place == "spec.steps[].script.file":
                yield place


def _place(path: Path) -> str:
    """ "spec.steps[].timeout": which field this is, whatever the entry."""
    return "".join("[]" if isinstance(token, int) else f".{printable(token)}" for token in path).removeprefix(".")
