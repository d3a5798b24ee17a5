from collections.abc import Iterator
from typing import Any

import re2
from jsonschema import Draft202012Validator

from runbooks.domain.schema.problems import _SENTENCES
from runbooks.domain.schema.whole import NOT_SUPPORTED_YET, PATTERN_RULES, RUNBOOK_SCHEMA

QUIET = {"$schema", "$id", "title", "description", "examples", "properties", "items", "allOf", "if", "then"}
ELSEWHERE = {"required", "additionalProperties"}  # these have a pointer of their own making


def schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all those inside of it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("allOf", [])]
    more = schema.get("additionalProperties")
    inner += [more] if isinstance(more, dict) else []
    for part in inner + [schema[name] for name in ("items", "if", "then") if name in schema]:
        yield from schemas(part)


def fields(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in schema.get("properties", {}).items():
        yield name, part
        yield from fields(part)
    if "items" in schema:
        yield from fields(schema["items"])


def test_the_schema_is_a_schema_with_the_published_name() -> None:
    Draft202012Validator.check_schema(RUNBOOK_SCHEMA)
    assert RUNBOOK_SCHEMA["$id"] == "/schemas/runbook/v1.json"


def test_every_field_has_a_title_and_a_description() -> None:
    found = list(fields(RUNBOOK_SCHEMA))
    assert len(found) > 30
    for name, schema in found:
        assert schema.get("title"), name
        assert schema.get("description", "").endswith("."), name


def test_every_object_is_closed_and_every_list_and_text_has_a_limit() -> None:
    for schema in schemas(RUNBOOK_SCHEMA):
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False or schema["maxProperties"] <= 1000
        if schema.get("type") == "array":
            assert schema["maxItems"] <= 1000
        if schema.get("type") == "string":
            assert "maxLength" in schema


def test_every_keyword_of_the_schema_has_a_sentence() -> None:
    used = {keyword for schema in schemas(RUNBOOK_SCHEMA) for keyword in schema}
    assert used - QUIET - ELSEWHERE == set(_SENTENCES)


def test_every_pattern_of_the_schema_has_a_sentence_and_means_the_same_everywhere() -> None:
    patterns = {schema["pattern"] for schema in schemas(RUNBOOK_SCHEMA) if isinstance(schema.get("pattern"), str)}
    assert patterns == set(PATTERN_RULES)
    for pattern in patterns:
        assert pattern.startswith("^")
        assert pattern.endswith("$")
        re2.compile(pattern)


def test_what_is_not_supported_yet_says_so() -> None:
    for place, sentence in NOT_SUPPORTED_YET.items():
        assert "not supported yet" in sentence, place
        assert sentence.endswith("."), place


def test_nothing_is_both_supported_and_not_yet() -> None:
    def places(schema: Any, way: str) -> Iterator[str]:
        for name, part in schema.get("properties", {}).items():
            place = f"{way}.{name}".removeprefix(".")
            yield place
            yield from (f"{place}={value}" for value in part.get("enum", []))
            yield from places(part, place)
        if "items" in schema:
            yield from places(schema["items"], f"{way}[]")

    supported = set(places(RUNBOOK_SCHEMA, ""))
    assert "spec.parameters[].type=string" in supported
    assert supported.isdisjoint(NOT_SUPPORTED_YET)
