"""The published JSON Schema of a runbook's definition, and what a later version will add to it.

Titles and descriptions are the documentation: editors show them, the docs are made from them, and the sentences about
wrong fields repeat them.
"""

from runbooks.domain.machines.targets import AMOUNT
from runbooks.domain.pauses import PRINCIPAL
from runbooks.domain.schema.calls import STEP_CALL
from runbooks.domain.schema.containment import CONTAINMENT, CPU_TIME, CPU_TIME_RULE, SIZE, SIZE_RULE
from runbooks.domain.schema.flow import ON_FAILURE, SPEC_FLOW, STEP_FLOW
from runbooks.domain.schema.notify import NOTIFY, TOLD, TOLD_RULE
from runbooks.domain.schema.parameters import PARAMETER
from runbooks.domain.schema.parts import FILE_NAME, LINE, NAME, PATH, SLUG, TIMEOUT, TITLE, Schema
from runbooks.domain.schema.parts import list_schema as _list
from runbooks.domain.schema.parts import object_schema as _object
from runbooks.domain.schema.parts import text_schema as _text
from runbooks.domain.schema.policy import POLICY
from runbooks.domain.schema.targets import STEP_LOCAL, TARGETS

MAX_STEPS = 50
MAX_PARAMETERS = 50
MAX_SECRETS = 20  # of one step
MAX_TEXT = 256 * 1024  # of a script or of the document: characters in the schema, bytes where it is checked again
DEFAULT_TIMEOUT = "10m"

PATTERN_RULES = {
    SLUG: "This may hold lower-case letters, digits and hyphens, and must begin with a letter or digit.",
    NAME: "This may hold lower-case letters, digits and underscores, and must begin with a letter.",
    LINE: "This must be a single line.",
    TITLE: "This must be a single line that is not blank.",
    PATH: "This must be a project and a slug in it, such as payments/deploy.",
    FILE_NAME: "This must be a plain file name: letters, digits, dots, hyphens and underscores, no folder.",
    ON_FAILURE: "This must be stop or continue, or name the step to go to, as {go_to: STEP}.",
    AMOUNT: "This must be a whole number, or a share such as 10%.",
    TIMEOUT: "This must be a duration such as 90s, 5m or 1h30m.",
    PRINCIPAL: "This must be user:NAME or group:SLUG.",
    TOLD: TOLD_RULE,
    SIZE: SIZE_RULE,
    CPU_TIME: CPU_TIME_RULE,
}

NOT_SUPPORTED_YET: dict[str, str] = {}

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

SECRET: Schema = {
    "title": "Secret",
    "description": "The secret, as project/slug, or an object of it and of how the script gets it.",
    "type": ["string", "object"],
    "maxLength": 129,
    "pattern": PATH,
    "required": ["secret"],
    "additionalProperties": False,
    "properties": {
        "secret": _text("Secret", "The secret, as project/slug.", most=129, pattern=PATH),
        "as": {
            "title": "As",
            "description": "environment: the variable holds the value; file: it holds the path of a file with it.",
            "enum": ["environment", "file"],
        },
    },
    "examples": ["payments/deploy"],
}

STEP = _object(
    "Step",
    "One script, or what stands in its place: a question to people (manual), a wait, another runbook. Steps run one "
    "after the other until one fails.",
    required=["id"],
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
            f"The longest that the step may take, from 1s to 24h; without one {DEFAULT_TIMEOUT}, 24h for a pause.",
            most=20,
            pattern=TIMEOUT,
            examples=["5m"],
        ),
        "secrets": {
            "title": "Secrets",
            "description": "The secrets that the script gets, each by the name of its environment variable.",
            "type": "object",
            "maxProperties": MAX_SECRETS,
            "additionalProperties": SECRET,
            "examples": [{"DEPLOY_KEY": "payments/deploy"}],
        },
        **STEP_FLOW,
        **STEP_CALL,
        **STEP_LOCAL,
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
        "containment": CONTAINMENT,
        "parameters": _list("Parameters", "The inputs, in the order of the form.", of=PARAMETER, most=MAX_PARAMETERS),
        "steps": _list("Steps", "What is done, in this order.", of=STEP, least=1, most=MAX_STEPS),
        "targets": TARGETS,
        "policy": POLICY,
        **SPEC_FLOW,
        **NOTIFY,
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
