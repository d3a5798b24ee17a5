"""A project of its own in a running installation, with runbooks vetted as any other."""

import uuid
from typing import Any

from tests.installation import Installation

RIGHTS = {
    "owner": ["view", "run", "see_output", "edit", "review", "use", "grant"],
    "author": ["view", "edit"],
    "runner": ["view", "run", "see_output"],
}


class Vetted:
    """Runbooks of one shell step each, written by the author, reviewed and published by the owner."""

    def __init__(self, system: Installation) -> None:
        self.slug = f"test-{uuid.uuid4().hex[:8]}"
        self._author, self._owner = system.client("author"), system.client("owner")
        admin = system.client("admin")
        admin("POST", "/projects", {"slug": self.slug, "title": "Test"})
        for name, rights in RIGHTS.items():
            grant = {"principal": f"user:{name}", "object": f"project:{self.slug}", "rights": rights}
            admin("POST", "/grants", grant)

    def runbook(self, slug: str, script: str, *, timeout: str = "120s") -> str:
        """Answers its address, "project/slug"."""
        address = f"/runbooks/{self.slug}/{slug}"
        made = self._author("PUT", f"{address}/draft", self._definition(slug, script, timeout))
        version = f"{address}/versions/{made['number']}"
        self._author("POST", f"{version}/submit", {})
        self._owner("POST", f"{version}/review", {"verdict": "approve", "comment": "", "hash": made["hash"]})
        self._owner("POST", f"{version}/publish", {})
        return f"{self.slug}/{slug}"

    def _definition(self, slug: str, script: str, timeout: str) -> dict[str, Any]:
        return {
            "apiVersion": "opsaas/v1",
            "kind": "Runbook",
            "metadata": {"project": self.slug, "slug": slug, "title": slug.title()},
            "doc": "## Meaning\nA test.\n",
            "spec": {
                "containment": {"level": "host"},  # scripts count their starts in a file outside
                "steps": [{"id": "main", "interpreter": ["sh"], "script": script, "timeout": timeout}],
            },
        }
