"""The part of the schema that describes one parameter."""

from runbooks.domain.patterns import MAX_PATTERN_LENGTH
from runbooks.domain.schema.parts import LINE, NAME, Schema, list_schema, object_schema, only_for, text_schema

MAX_CHOICES = 200
NO_DEFAULT = "A secret has no default: everybody who sees the runbook could read it."


def _for(types: list[str], *, then: Schema) -> Schema:
    return {"if": {"properties": {"type": {"enum": types}}, "required": ["type"]}, "then": then}


def _limits(form: Schema) -> Schema:
    return {"properties": dict.fromkeys(("min", "max"), form)}


PARAMETER = object_schema(
    "Parameter",
    "One typed input. A script finds it as OPSAAS_PARAM_<NAME> and in the file that OPSAAS_PARAMS_FILE names.",
    required=["name", "type"],
    properties={
        "name": text_schema("Name", "Unique in the runbook.", most=64, pattern=NAME),
        "type": {
            "title": "Type",
            "description": "string is a single line, text any number of lines, choice one of `choices`, choices "
            "several of them, datetime an instant as RFC 3339 writes it, with its offset, file a file of up to 1 MiB, "
            "secret text that only the scripts of the run get, node the name of a node.",
            "enum": [
                "string",
                "text",
                "integer",
                "number",
                "boolean",
                "choice",
                "choices",
                "datetime",
                "file",
                "secret",
                "node",
            ],
        },
        "required": {
            "title": "Required",
            "description": "Whether a value must be given; true where there is no default.",
            "type": "boolean",
        },
        "default": {
            "title": "Default",
            "description": "The value where none is given. It must obey the parameter's own rules; of choices, a list.",
            "type": ["string", "number", "boolean", "array"],
            "maxItems": MAX_CHOICES,
            "items": text_schema("Choice", "One of the values that are chosen where none are given.", most=200),
        },
        "min": {
            "title": "Minimum",
            "description": "The smallest number or earliest moment that is accepted; the fewest choices or bytes.",
        },
        "max": {
            "title": "Maximum",
            "description": "The largest number or latest moment that is accepted; the most choices or bytes.",
        },
        "choices": list_schema(
            "Choices",
            "The values to choose from. Text: put numbers in quotes.",
            of=text_schema("Choice", "One value.", most=200, pattern=LINE),
            least=1,
            most=MAX_CHOICES,
            uniqueItems=True,
        ),
        "pattern": text_schema(
            "Pattern",
            "Regular expression (RE2) that must match the whole value.",
            most=MAX_PATTERN_LENGTH,
            examples=["[A-Za-z0-9 ._-]{0,80}"],
        ),
        "from": text_schema(
            "From",
            "Which nodes there are to choose from: a query of tags, or CEL. All that may be used where none is given.",
            most=1000,
            examples=["role=payments-worker"],
        ),
        "confirm": {
            "title": "Confirm",
            "description": "Whether the form asks to type the value a second time.",
            "type": "boolean",
        },
        "help": text_schema("Help", "A sentence or two beside the field.", most=1000, least=0),
    },
    allOf=[
        _for(["choice", "choices"], then={"required": ["choices"]}),
        _for(["datetime"], then=_limits({"type": "string", "maxLength": 40, "examples": ["2026-11-21T14:00:00Z"]})),
        _for(["integer", "number", "choices", "file"], then=_limits({"type": "number"})),
        only_for(
            ["choice", "choices"], ["choices"], "Choices are only for parameters of the types choice and choices."
        ),
        only_for(
            ["integer", "number", "choices", "datetime", "file"],
            ["min", "max"],
            "Limits are only for parameters of the types integer, number, choices, datetime and file.",
        ),
        _for(["file"], then={"properties": {"default": {"not": {}, "description": "A file has no default."}}}),
        _for(["secret"], then={"properties": {"default": {"not": {}, "description": NO_DEFAULT}}}),
        only_for(
            ["string", "text", "secret"],
            ["pattern"],
            "A pattern is only for parameters of the types string, text and secret.",
        ),
        only_for(["node"], ["from"], "A query of nodes is only for parameters of the type node."),
    ],
)
