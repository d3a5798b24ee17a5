"""The part of the schema that says who is told of what."""

from runbooks.domain.notices import EVENTS
from runbooks.domain.schema.parts import Schema, list_schema, object_schema, text_schema

MOST_RULES = 20
TOLD = "^(owners|auditors|requester|user:[a-z0-9][a-z0-9._-]{0,63}|(group|endpoint):[a-z0-9][a-z0-9-]{0,63})$"
TOLD_RULE = "This must be owners, auditors, requester, user:NAME, group:SLUG or endpoint:SLUG."

NOTIFY: Schema = {
    "notify": list_schema(
        "Notify",
        "Who is told of what, besides the owners, who are told of the end of every run.",
        of=object_schema(
            "Rule",
            "These people, or this endpoint, are told of these events, as far as they may see the runbook.",
            required=["to", "on"],
            properties={
                "to": text_schema(
                    "To",
                    "owners, auditors, requester, user:NAME, group:SLUG, or endpoint:SLUG: one of the runbook's, its "
                    "project's or the installation's.",
                    most=80,
                    pattern=TOLD,
                    examples=["group:payments-sre"],
                ),
                "on": list_schema(
                    "On",
                    "The events. A run is told of by the rules of its own version, all else by the published one's.",
                    of={"title": "Event", "description": "What happened.", "enum": list(EVENTS)},
                    least=1,
                    most=len(EVENTS),
                    uniqueItems=True,
                    examples=[["started", "failed"]],
                ),
            },
        ),
        most=MOST_RULES,
    )
}
