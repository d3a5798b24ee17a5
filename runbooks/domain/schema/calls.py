"""The part of the schema that tells of other runbooks as steps."""

from runbooks.domain.conditions import MAX_CONDITION_LENGTH
from runbooks.domain.schema.parts import PATH, Schema, object_schema, text_schema

MOST_VALUES = 50
MOST_LITERAL = 10_000  # characters

STEP_CALL: Schema = {
    "runbook": object_schema(
        "Runbook",
        "In place of a script: another runbook, as a run of its own. It holds no worker. Whoever asks for the run "
        "needs the right to run that one too.",
        required=["path"],
        properties={
            "path": text_schema(
                "Path",
                "The runbook, as project/slug.",
                most=129,
                pattern=PATH,
                examples=["payments/drain-worker"],
            ),
            "version": {
                "title": "Version",
                "description": "Its number, of one that is or was published. Without one, the version that is "
                "published when the run is asked for.",
                "type": "integer",
                "minimum": 1,
                "maximum": 2**31 - 1,
            },
            "parameters": {
                "title": "Parameters",
                "description": "What it is given, by parameter: a value as it is, or {from: …}, CEL over `params` and "
                "`steps`.",
                "type": "object",
                "maxProperties": MOST_VALUES,
                "additionalProperties": {
                    "title": "Value",
                    "description": "A value, or where it comes from.",
                    "type": ["string", "number", "boolean", "array", "object"],
                    "maxLength": MOST_LITERAL,
                    "maxItems": 100,
                    "items": text_schema("Choice", "One of several.", most=200),
                    "required": ["from"],
                    "additionalProperties": False,
                    "properties": {
                        "from": text_schema(
                            "From",
                            "CEL over `params` and `steps` that gives the value.",
                            most=MAX_CONDITION_LENGTH,
                            examples=["steps.count.outputs.left"],
                        )
                    },
                },
                "examples": [{"env": "staging", "host": {"from": "params.host"}}],
            },
        },
    ),
}
