"""The part of the schema that tells how often a runbook may start, and who may pass that."""

from runbooks.domain.pauses import MOST_PRINCIPALS, PRINCIPAL
from runbooks.domain.schema.parts import TIMEOUT, Schema, list_schema, object_schema, text_schema

MOST_RATES = 10

POLICY_GUARDRAILS: Schema = {
    "rates": list_schema(
        "Rates",
        "How often this runbook may be started, whoever triggers it.",
        of=object_schema(
            "Rate",
            "At most so many runs within any such time.",
            required=["most", "per"],
            properties={
                "most": {"title": "Most", "description": "How many runs, from 1 to 100,000.", "type": "integer"},
                "per": text_schema("Per", "How long, up to 744h.", most=20, pattern=TIMEOUT, examples=["1h"]),
                "each": {
                    "title": "Each",
                    "description": "Whose runs are counted together: all of the runbook, those of each actor, or those "
                    "of each trigger. All of the runbook where nothing is said.",
                    "enum": ["runbook", "actor", "trigger"],
                },
            },
        ),
        most=MOST_RATES,
        examples=[[{"most": 3, "per": "1h"}]],
    ),
    "break_glass": object_schema(
        "Break-glass",
        "Who may pass freezes, rates and hours in an emergency: loudly, with a reason, and reviewed afterwards. Nobody "
        "where nothing is said.",
        required=["allow"],
        properties={
            "allow": list_schema(
                "Allow",
                "Groups and people, who have to hold the right to run as well.",
                of=text_schema("Who", "A person or a group.", most=160, pattern=PRINCIPAL),
                least=1,
                most=MOST_PRINCIPALS,
                uniqueItems=True,
                examples=[["group:incident-commanders"]],
            )
        },
    ),
}
