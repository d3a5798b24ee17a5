"""The part of the schema that tells the way through the steps."""

from runbooks.domain.conditions import MAX_CONDITION_LENGTH
from runbooks.domain.pauses import MOST_PRINCIPALS, PRINCIPAL
from runbooks.domain.schema.parts import NAME, TIMEOUT, Schema, list_schema, object_schema, text_schema

ON_FAILURE = "^(stop|continue)$"
MOST_CLEANUP = 50

STEP_FLOW: Schema = {
    "manual": object_schema(
        "Manual",
        "In place of a script: a question that somebody answers. It holds no worker.",
        required=["ask"],
        properties={
            "ask": text_schema("Ask", "What to do or to look at. Markdown.", most=4000),
            "evidence": {
                "title": "Evidence",
                "description": "What an answer needs: none, a note, or (to say that it is done) a file.",
                "enum": ["none", "note", "file"],
            },
            "from": list_schema(
                "From",
                "Who may answer, as user:NAME or group:SLUG, of those who see the run. Whoever may run the runbook "
                "where nobody is named.",
                of=text_schema("Who", "A person, a service account or a group.", most=160, pattern=PRINCIPAL),
                least=1,
                most=MOST_PRINCIPALS,
                uniqueItems=True,
                examples=[["group:payments-sre"]],
            ),
        },
    ),
    "wait": object_schema(
        "Wait",
        "In place of a script: the run goes on when this is over. It holds no worker.",
        required=[],
        properties={
            "until": text_schema(
                "Until",
                "CEL over `params`, `steps` and `now`, looked at about once a second until it is true.",
                most=MAX_CONDITION_LENGTH,
                examples=['now >= timestamp("2026-12-01T06:00:00Z")'],
            ),
            "for": text_schema("For", "How long, such as 90s.", most=20, pattern=TIMEOUT, examples=["90s"]),
            "at": text_schema(
                "At",
                "A moment, such as 2026-12-01T06:00:00Z, or CEL over `params` and `steps` that gives one; at most 31 "
                "days away. One that has passed is no wait.",
                most=MAX_CONDITION_LENGTH,
                examples=["params.window"],
            ),
        },
    ),
    "when": text_schema(
        "Condition",
        "CEL over `params` and `steps`: the step runs where it is true, and is skipped where it is false. "
        "steps.NAME.status and steps.NAME.outputs.NAME tell of steps before it.",
        most=MAX_CONDITION_LENGTH,
        examples=['steps.drain.outputs.left == "0"'],
    ),
    "retries": object_schema(
        "Retries",
        "How often the step is tried again after it has failed or timed out. Only where it is safe to repeat.",
        required=["count"],
        properties={
            "count": {
                "title": "Count",
                "description": "How many more attempts there may be, from 1 to 20.",
                "type": "integer",
            },
            "delay": text_schema(
                "Delay", "The pause before the second attempt, 1h at most.", most=20, pattern=TIMEOUT, examples=["10s"]
            ),
            "factor": {
                "title": "Factor",
                "description": "What each further pause is multiplied by, from 1 to 10; 2 where none is given.",
                "type": "number",
            },
        },
    ),
    "on_failure": {
        "title": "On failure",
        "description": "What follows when the step has failed for good: stop, continue with the next step, or go_to "
        "another in place of the rest. The run has failed in any case.",
        "type": ["string", "object"],
        "minLength": 1,
        "maxLength": 10,
        "pattern": ON_FAILURE,
        "required": ["go_to"],
        "additionalProperties": False,
        "properties": {
            "go_to": text_schema(
                "Go to",
                "Id of the step to run in place of the rest. That step runs at no other time.",
                most=64,
                pattern=NAME,
            )
        },
        "examples": ["continue"],
    },
}

SPEC_FLOW: Schema = {
    "cleanup": list_schema(
        "Cleanup",
        "Ids of the steps that run after everything else, in this order, whatever happened.",
        of=text_schema("Step", "Id of a step.", most=64, pattern=NAME),
        most=MOST_CLEANUP,
        uniqueItems=True,
    ),
    "concurrency": object_schema(
        "Concurrency",
        "Lets one run at a time have the same key, among the runs of this runbook.",
        required=["key"],
        properties={
            "key": text_schema(
                "Key",
                "CEL over `params` that gives a text, such as the machine that the run works on.",
                most=MAX_CONDITION_LENGTH,
                examples=["params.host"],
            ),
            "on_conflict": {
                "title": "On conflict",
                "description": "What a second run does while the first is there: it is refused (reject), or waits "
                "(queue). Reject where nothing is said.",
                "enum": ["reject", "queue"],
            },
        },
    ),
}
