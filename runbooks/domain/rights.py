"""Rights, what each brings with it, and the bundles that people hand out."""

from collections.abc import Set

RIGHT_TITLES = {
    "view": "See runbooks and runs",
    "run": "Run the published version",
    "see_output": "Read the output of runs",
    "edit": "Propose versions",
    "review": "Review and publish versions, run unpublished ones",
    "approve": "Approve runs",
    "use": "Have runs use nodes and secrets",
    "grant": "Hand out the rights one holds",
    "audit": "Read the audit log, and everything it tells of",
    "administer": "Manage people, projects and the installation",
}
RIGHTS = tuple(RIGHT_TITLES)
RIGHTS_ON_NODES = ("view", "use")  # that a single node can be the object of
RIGHTS_ON_SECRETS = ("view", "use", "grant")

# Whoever holds a right of these on an object holds the other as well.
IMPLIED_BY: dict[str, frozenset[str]] = {right: frozenset({right}) for right in RIGHTS}
IMPLIED_BY["view"] = frozenset(RIGHTS) - {"use"}  # to use a machine is no look at the runbooks around it
IMPLIED_BY["see_output"] = frozenset({"see_output", "audit"})

ROLES: dict[str, tuple[str, ...]] = {
    "owner": ("view", "run", "see_output", "edit", "review", "approve", "use", "grant"),
    "author": ("view", "edit"),
    "runner": ("view", "run", "see_output"),
    "auditor": ("view", "see_output", "audit"),
}


def with_implied(held: Set[str]) -> set[str]:
    """All rights that somebody has who was granted HELD."""
    return {right for right, sources in IMPLIED_BY.items() if held & sources}
