"""Turns what JSON Schema finds wrong with a definition into sentences, each at its own field."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from runbooks.domain.patterns import found_in
from runbooks.domain.problems import Problem, pointer_to, printable, shown
from runbooks.domain.schema.parts import Schema
from runbooks.domain.schema.whole import NOT_SUPPORTED_YET, PATTERN_RULES, RUNBOOK_SCHEMA

MOST_ERRORS = 500  # of the schema; more problems than anybody is told of

SCRIPT_FILE = "spec.steps[].script.file"

Path = tuple[str | int, ...]

_KINDS = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def schema_problems(data: object) -> list[Problem]:
    """What the schema refuses in DATA, without repetitions and with a word for what is not supported yet."""
    findings = [_Finding.of(error) for error in islice(_VALIDATOR.iter_errors(data), MOST_ERRORS)]
    not_yet = {finding.path for finding in findings if _holds_later_fields(finding)}
    problems: dict[Problem, None] = {}
    for finding in findings:
        # A field that comes later may stand in for one that is required now: telling of both would mislead.
        if finding.keyword != "required" or finding.path not in not_yet:
            problems.update(dict.fromkeys(_problems(finding)))
    return list(problems)


@dataclass(frozen=True)
class _Finding:
    """What one keyword of the schema refuses."""

    keyword: str
    wanted: Any  # the keyword's value
    instance: Any
    schema: Mapping[str, Any]  # around the keyword
    path: Path

    @classmethod
    def of(cls, error: ValidationError) -> Self:
        schema = error.schema if isinstance(error.schema, Mapping) else {}
        return cls(str(error.validator), error.validator_value, error.instance, schema, tuple(error.absolute_path))


def _pattern(_: object, pattern: str, instance: object, __: Schema) -> Iterator[ValidationError]:
    """As ECMA-262 and RE2 understand `$`; Python's own lets a line break follow."""
    if isinstance(instance, str) and not found_in(pattern, instance):
        yield ValidationError("does not match")


def _unique_items(_: object, wanted: bool, instance: object, schema: Schema) -> Iterator[ValidationError]:
    """Texts only, since every such list is of texts; jsonschema's own takes quadratic time on mixed lists."""
    if wanted and isinstance(instance, list):
        texts = [item for item in instance if isinstance(item, str)]
        if len(set(texts)) < len(texts):
            yield ValidationError("has repetitions")


def _items(validator: Any, items: Schema, instance: object, schema: dict[str, int]) -> Iterator[ValidationError]:
    """Only as many as the list may have: a hostile one has a million."""
    if isinstance(instance, list):
        for index, item in enumerate(instance[: schema["maxItems"]]):
            yield from validator.descend(item, items, path=index)


_KEYWORDS = {"pattern": _pattern, "uniqueItems": _unique_items, "items": _items}
_VALIDATOR = extend(Draft202012Validator, _KEYWORDS)(RUNBOOK_SCHEMA)  # type: ignore[no-untyped-call]


def _problems(finding: _Finding) -> Iterator[Problem]:
    path = finding.path
    if finding.keyword == "required":
        for name in finding.wanted:
            if name not in finding.instance:
                yield Problem(pointer_to(*path, name), "required", "This field is needed.")
    elif finding.keyword == "additionalProperties":
        for name in _unknown_fields(finding):
            yield _unknown_field((*path, name), finding)
    elif finding.keyword == "enum" and (sentence := NOT_SUPPORTED_YET.get(f"{_place(path)}={finding.instance}")):
        yield Problem(pointer_to(*path), "not_supported_yet", sentence)
    else:
        code, sentence_about = _SENTENCES[finding.keyword]
        yield Problem(pointer_to(*path), code, sentence_about(finding))


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
    return "null"


def _type_sentence(finding: _Finding) -> str:
    wanted = finding.wanted if isinstance(finding.wanted, list) else [finding.wanted]
    sentence = f"This must be {' or '.join(_KINDS[kind] for kind in wanted)}, not {_kind(finding.instance)}"
    examples = finding.schema.get("examples")
    return f"{sentence}; for example {json.dumps(examples[0])}." if examples else f"{sentence}."


# Every keyword that the schema uses has its code and its sentence here; a test holds the two together.
_SENTENCES: dict[str, tuple[str, Callable[[_Finding], str]]] = {
    "type": ("wrong_type", _type_sentence),
    "enum": ("not_a_choice", lambda finding: f"This must be one of: {', '.join(finding.wanted)}."),
    "const": ("not_a_choice", lambda finding: f"This must be {finding.wanted}."),
    "pattern": ("bad_format", lambda finding: PATTERN_RULES[finding.wanted]),
    "minLength": ("too_short", lambda _: "This must not be empty."),
    "minItems": ("too_short", lambda _: "This must not be empty."),
    "maxLength": ("too_long", lambda finding: f"This may have at most {finding.wanted:,} characters."),
    "maxItems": ("too_long", lambda finding: f"This may have at most {finding.wanted:,} entries."),
    "maxProperties": ("too_long", lambda finding: f"This may have at most {finding.wanted:,} entries."),
    "minimum": ("out_of_range", lambda finding: f"This must be at least {finding.wanted:,}."),
    "maximum": ("out_of_range", lambda finding: f"This must be at most {finding.wanted:,}."),
    "uniqueItems": ("repeated", lambda _: "The same value is listed more than once."),
    "not": ("not_applicable", lambda finding: str(finding.schema["description"])),
}


def _unknown_fields(finding: _Finding) -> list[str]:
    names = (name for name in finding.instance if name not in finding.schema["properties"])
    return list(islice(names, MOST_ERRORS))


def _unknown_field(path: Path, finding: _Finding) -> Problem:
    pointer, place = pointer_to(*path), _place(path)
    if sentence := NOT_SUPPORTED_YET.get(place):
        return Problem(pointer, "not_supported_yet", sentence)
    if place == SCRIPT_FILE:
        sentence = "The server cannot read files of yours: send the text. `opsaas apply` puts it in by itself."
        return Problem(pointer, "file_not_sent", sentence)
    known = ", ".join(finding.schema["properties"])
    return Problem(pointer, "unknown_field", f"There is no field {shown(str(path[-1]))} here; there are {known}.")


def _holds_later_fields(finding: _Finding) -> bool:
    if finding.keyword != "additionalProperties":
        return False
    places = {_place((*finding.path, name)) for name in _unknown_fields(finding)}
    return SCRIPT_FILE in places or not places.isdisjoint(NOT_SUPPORTED_YET)


def _place(path: Path) -> str:
    """ "spec.steps[].timeout": which field this is, whatever the entry."""
    return "".join("[]" if isinstance(token, int) else f".{printable(token)}" for token in path).removeprefix(".")
