"""The published JSON Schema of a runbook's definition, and what a later version will add to it.

Titles and descriptions are the documentation: editors show them, the docs are made from them, and the sentences about
wrong fields repeat them.
"""

from runbooks.domain.patterns import MAX_PATTERN_LENGTH

Schema = dict[str, object]

MAX_STEPS = 50
MAX_PARAMETERS = 50
MAX_TEXT = 256 * 1024  # of a script or of the document: characters in the schema, bytes where it is checked again
DEFAULT_TIMEOUT = "10m"

SLUG = "^[a-z0-9][a-z0-9-]*$"
NAME = "^[a-z][a-z0-9_]*$"
LINE = r"^[^\r\n]*$"
TITLE = r"^[^\r\n]*[^\s][^\r\n]*$"
FILE_NAME = "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
TIMEOUT = "^([0-9]{1,5}h([0-9]{1,5}m)?([0-9]{1,5}s)?|[0-9]{1,5}m([0-9]{1,5}s)?|[0-9]{1,5}s)$"

PATTERN_RULES = {
    SLUG: "This may hold lower-case letters, digits and hyphens, and must begin with a letter or digit.",
    NAME: "This may hold lower-case letters, digits and underscores, and must begin with a letter.",
    LINE: "This must be a single line.",
    TITLE: "This must be a single line that is not blank.",
    FILE_NAME: "This must be a plain file name: letters, digits, dots, hyphens and underscores, no folder.",
    TIMEOUT: "This must be a duration such as 90s, 5m or 1h30m.",
}

NOT_SUPPORTED_YET = {
    "spec.targets": "Targets are not supported yet: this installation runs steps on its workers only.",
    "spec.containment": "Choosing a containment is not supported yet: steps run in the strongest that the worker has.",
    "spec.cleanup": "Cleanup steps are not supported yet: let the script clean up before it ends.",
    "spec.concurrency": "Concurrency limits are not supported yet: runs of one runbook may overlap.",
    "spec.policy": "Approvals and break-glass are not supported yet: who holds the right to run may run at once.",
    "spec.notify": "Notification rules are not supported yet: owners are told of every run.",
    "spec.steps[].manual": "Manual steps are not supported yet: a step must have a script.",
    "spec.steps[].secrets": "Secrets are not supported yet: a step gets parameters only.",
    "spec.steps[].when": "Conditions are not supported yet: every step runs, in order, until one fails.",
    "spec.steps[].retries": "Retries are not supported yet: let the script try again where that is safe.",
    "spec.parameters[].from": "Values from a query are not supported yet: list them as choices.",
    "spec.parameters[].type=choices": "Parameters of the type choices are not supported yet: use choice or text.",
    "spec.parameters[].type=datetime": "Parameters of the type datetime are not supported yet: use string.",
    "spec.parameters[].type=file": "Parameters of the type file are not supported yet: use text.",
    "spec.parameters[].type=node": "Parameters of the type node are not supported yet: use choice.",
    "spec.parameters[].type=secret": "Parameters of the type secret are not supported yet.",
}


def _object(title: str, description: str, *, required: list[str], properties: Schema, **more: object) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
        **more,
    }


def _text(title: str, description: str, *, most: int, least: int = 1, **more: object) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": "string",
        "minLength": least,
        "maxLength": most,
        **more,
    }


def _list(title: str, description: str, *, of: Schema, most: int, least: int = 0, **more: object) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": "array",
        "minItems": least,
        "maxItems": most,
        "items": of,
        **more,
    }


def _only_for(types: list[str], fields: list[str], sentence: str) -> Schema:
    """Refuses FIELDS of a parameter whose type is none of TYPES, with the sentence to say."""
    return {
        "if": {"properties": {"type": {"not": {"enum": types}}}},
        "then": {"properties": {field: {"not": {}, "description": sentence} for field in fields}},
    }


METADATA = _object(
    "Metadata",
    "Where the runbook belongs and how it is found.",
    required=["project", "slug", "title"],
    properties={
        "project": _text("Project", "Slug of the project that the runbook belongs to.", most=64, pattern=SLUG),
        "slug": _text(
            "Slug",
            "Name of the runbook in addresses; never given to another.",
            most=64,
            pattern=SLUG,
        ),
        "title": _text("Title", "What the runbook does, in one line.", most=200, pattern=TITLE),
        "tags": _list(
            "Tags",
            "Words to find the runbook by.",
            of=_text("Tag", "One word or a few.", most=50, pattern=TITLE),
            most=50,
            uniqueItems=True,
        ),
        "alerts": _list(
            "Alerts",
            "Names of the alerts that this runbook answers.",
            of=_text("Alert", "The alert's name, exactly as the alert manager sends it.", most=200, pattern=TITLE),
            most=50,
            uniqueItems=True,
        ),
    },
)

PARAMETER = _object(
    "Parameter",
    "One typed input. A script finds it as OPSAAS_PARAM_<NAME> and in the file that OPSAAS_PARAMS_FILE names.",
    required=["name", "type"],
    properties={
        "name": _text("Name", "Unique in the runbook.", most=64, pattern=NAME),
        "type": {
            "title": "Type",
            "description": "string is a single line, text any number of lines, choice one of `choices`.",
            "enum": ["string", "text", "integer", "number", "boolean", "choice"],
        },
        "required": {
            "title": "Required",
            "description": "Whether a value must be given; true where there is no default.",
            "type": "boolean",
        },
        "default": {
            "title": "Default",
            "description": "The value where none is given. It must obey the parameter's own rules.",
            "type": ["string", "number", "boolean"],
        },
        "min": {"title": "Minimum", "description": "The smallest number that is accepted.", "type": "number"},
        "max": {"title": "Maximum", "description": "The largest number that is accepted.", "type": "number"},
        "choices": _list(
            "Choices",
            "The values to choose from. Text: put numbers in quotes.",
            of=_text("Choice", "One value.", most=200, pattern=LINE),
            least=1,
            most=200,
            uniqueItems=True,
        ),
        "pattern": _text(
            "Pattern",
            "Regular expression (RE2) that must match the whole value.",
            most=MAX_PATTERN_LENGTH,
            examples=["[A-Za-z0-9 ._-]{0,80}"],
        ),
        "confirm": {
            "title": "Confirm",
            "description": "Whether the form asks to type the value a second time.",
            "type": "boolean",
        },
        "help": _text("Help", "A sentence or two beside the field.", most=1000, least=0),
    },
    allOf=[
        {"if": {"properties": {"type": {"const": "choice"}}, "required": ["type"]}, "then": {"required": ["choices"]}},
        _only_for(["choice"], ["choices"], "Choices are only for parameters of the type choice."),
        _only_for(
            ["integer", "number"], ["min", "max"], "Limits are only for parameters of the types integer and number."
        ),
        _only_for(["string", "text"], ["pattern"], "A pattern is only for parameters of the types string and text."),
    ],
)

STEP = _object(
    "Step",
    "One script. Steps run one after the other until one fails.",
    required=["id", "script"],
    properties={
        "id": _text("Id", "Unique in the runbook.", most=64, pattern=NAME),
        "title": _text("Title", "What the step does, in one line.", most=200, pattern=TITLE),
        "hint": _text("Hint", "What to watch for, or what to do if it fails. Markdown.", most=4000, least=0),
        "interpreter": _list(
            "Interpreter",
            "The command that runs the script. {script} in it stands for the script's path, which else comes last. "
            "Without an interpreter the script's own #! line decides.",
            of=_text("Argument", "One word of the command; no shell reads it.", most=4096),
            least=1,
            most=100,
            examples=[["bash", "-euo", "pipefail"]],
        ),
        "script": {
            "title": "Script",
            "description": "The text of the script, or an object of a file name and the text.",
            "type": ["string", "object"],
            "minLength": 1,
            "maxLength": MAX_TEXT,
            "required": ["name", "text"],
            "additionalProperties": False,
            "properties": {
                "name": _text(
                    "File name",
                    "The name that the script's file gets, for tools that look at it.",
                    most=100,
                    pattern=FILE_NAME,
                    examples=["fix.mjs"],
                ),
                "text": _text("Text", "The text of the script.", most=MAX_TEXT),
            },
        },
        "timeout": _text(
            "Timeout",
            f"The longest that the step may take, from 1s to 24h; {DEFAULT_TIMEOUT} where none is given.",
            most=20,
            pattern=TIMEOUT,
            examples=["5m"],
        ),
    },
)

SPEC = _object(
    "Spec",
    "What the runbook asks for and does.",
    required=["steps"],
    properties={
        "risk": {
            "title": "Risk",
            "description": "What the form asks before a run: high asks for a reason. Low where none is given.",
            "enum": ["low", "medium", "high"],
        },
        "parameters": _list("Parameters", "The inputs, in the order of the form.", of=PARAMETER, most=MAX_PARAMETERS),
        "steps": _list("Steps", "What is done, in this order.", of=STEP, least=1, most=MAX_STEPS),
    },
)

RUNBOOK_SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "/schemas/runbook/v1.json",
    **_object(
        "Runbook",
        "A procedure that people may be allowed to run: its document, its inputs and its steps.",
        required=["apiVersion", "kind", "metadata", "spec"],
        properties={
            "apiVersion": {
                "title": "API version",
                "description": "The version of this schema.",
                "const": "opsaas/v1",
            },
            "kind": {"title": "Kind", "description": "What this document describes.", "const": "Runbook"},
            "metadata": METADATA,
            "doc": _text(
                "Document",
                "Markdown: what the alert means, its impact, how to diagnose, verify and undo.",
                most=MAX_TEXT,
                least=0,
            ),
            "spec": SPEC,
        },
    ),
}
