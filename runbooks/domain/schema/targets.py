"""The part of the schema that tells on which machines steps run."""

from runbooks.domain.machines.targets import AMOUNT
from runbooks.domain.schema.parts import Schema, object_schema, text_schema


def _amount(title: str, description: str) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": ["integer", "string"],
        "minLength": 1,
        "maxLength": 7,
        "pattern": AMOUNT,
        "examples": [5, "10%"],
    }


TARGETS = object_schema(
    "Targets",
    "The nodes that the steps run on, over SSH. Without it, steps run on the worker. Each step goes to all nodes "
    "before the next step begins; a node where a step has failed is left out of the steps after it.",
    required=["select"],
    properties={
        "select": text_schema(
            "Select",
            "Which nodes: CEL over name, tags, attributes and params, or a query of tags such as role=worker !drained. "
            "Looked up when the run is asked for, and frozen.",
            most=1000,
            examples=["name == params.host"],
        ),
        "batch": _amount("Batch", "So many nodes, or so many of a hundred, before the next; all where none is given."),
        "in_flight": {
            "title": "In flight",
            "description": "The most nodes at the same time within a batch.",
            "type": "integer",
        },
        "max_failures": _amount(
            "Most failures",
            "Once more nodes than this have failed, no further one is begun; 0 where none is given. The run has failed "
            "if any node has.",
        ),
        "order": {
            "title": "Order",
            "description": "By name, where web2 comes before web10, or in reverse.",
            "enum": ["name", "reverse"],
        },
        "maintenance": {
            "title": "Maintenance",
            "description": "What a node in maintenance means: the run is refused (refuse), or goes without it "
            "(leave_out). Refuse where nothing is said.",
            "enum": ["refuse", "leave_out"],
        },
        "canary": {
            "title": "Canary",
            "description": "So many nodes go first, alone. If one of them fails, no other is begun.",
            "type": "integer",
        },
    },
)

STEP_LOCAL: Schema = {
    "local": {
        "title": "Local",
        "description": "Whether the step runs once, on the worker, although the runbook has targets.",
        "type": "boolean",
    }
}
