"""The part of the schema that tells what has to be given before a run starts: approvals, and a reason."""

from runbooks.domain.approval_rules import DEFAULT_EXPIRY, MOST_APPROVALS
from runbooks.domain.conditions import MAX_CONDITION_LENGTH
from runbooks.domain.patterns import MAX_PATTERN_LENGTH
from runbooks.domain.pauses import PRINCIPAL
from runbooks.domain.schema.guardrails import POLICY_GUARDRAILS
from runbooks.domain.schema.parts import TIMEOUT, TITLE, Schema, list_schema, object_schema, text_schema

MOST_STAGES = 10
MOST_APPROVERS = 50

_FROM = list_schema(
    "From",
    "Who may approve, as group:SLUG or user:NAME: being named here is enough. Without it, whoever holds the right "
    "“approve” on the runbook.",
    of=text_schema("Approver", "A group or a person.", most=160, pattern=PRINCIPAL),
    least=1,
    most=MOST_APPROVERS,
    uniqueItems=True,
    examples=[["group:payments-sre"]],
)
_COUNT: Schema = {
    "title": "Count",
    "description": "How many people have to say yes; one where nothing is said.",
    "type": "integer",
    "minimum": 1,
    "maximum": MOST_APPROVALS,
}

APPROVALS = object_schema(
    "Approvals",
    "Whose yes a run needs before it starts. Who asks for a run never approves it.",
    required=[],
    properties={
        "when": text_schema(
            "When",
            "CEL over `params`, `targets` (names of nodes), `actor` (name, kind, groups), `trigger` and `now`: which "
            "runs need approval. Without it every run does.",
            most=MAX_CONDITION_LENGTH,
            examples=['params.env == "production"'],
        ),
        "from": _FROM,
        "count": _COUNT,
        "expires": text_schema(
            "Expires",
            f"A run that nobody has approved by then never starts; {DEFAULT_EXPIRY} where nothing is said.",
            most=20,
            pattern=TIMEOUT,
            examples=["30m"],
        ),
        "stages": list_schema(
            "Stages",
            "In place of from and count: one after the other, each with its own. Nobody counts in two of them.",
            of=object_schema(
                "Stage",
                "People who are asked together.",
                required=[],
                properties={
                    "name": text_schema("Name", "What the stage is called.", most=64, pattern=TITLE),
                    "from": _FROM,
                    "count": _COUNT,
                },
            ),
            least=1,
            most=MOST_STAGES,
        ),
    },
)

POLICY = object_schema(
    "Policy",
    "What has to be given before a run starts.",
    required=[],
    properties={
        "approvals": APPROVALS,
        "reason": {
            "title": "Reason",
            "description": "Whether who asks for a run has to say why.",
            "enum": ["required", "optional"],
        },
        "ticket": text_schema(
            "Ticket",
            "RE2: the reason has to hold something that matches, such as the number of a ticket.",
            most=MAX_PATTERN_LENGTH,
            examples=["[A-Z]+-[0-9]+"],
        ),
        **POLICY_GUARDRAILS,
    },
)
