"""A project of its own in a running installation, with runbooks vetted as any other."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

from runbooks.domain.ports import Target
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
        self._secrets: dict[str, str] = {}
        self._author, self._owner = system.client("author"), system.client("owner")
        admin = system.client("admin")
        admin("POST", "/projects", {"slug": self.slug, "title": "Test"})
        for name, rights in RIGHTS.items():
            grant = {"principal": f"user:{name}", "object": f"project:{self.slug}", "rights": rights}
            admin("POST", "/grants", grant)

    def runbook(self, slug: str, script: str, *, timeout: str = "120s", **spec: Any) -> str:
        """Answers its address, "project/slug". SPEC adds to the definition's `spec`, such as `targets`."""
        address = f"/runbooks/{self.slug}/{slug}"
        made = self._author("PUT", f"{address}/draft", self._definition(slug, script, timeout, spec))
        version = f"{address}/versions/{made['number']}"
        self._author("POST", f"{version}/submit", {})
        self._owner("POST", f"{version}/review", {"verdict": "approve", "comment": "", "hash": made["hash"]})
        self._owner("POST", f"{version}/publish", {})
        return f"{self.slug}/{slug}"

    def nodes(self, machines: Mapping[str, Target], *, fetch: bool = True) -> dict[str, dict[str, Any]]:
        """In service, by their names, and usable by the runner: a worker fetches each one's key, the owner compares and
        accepts it, or where many are not to be FETCHed knows it already."""
        grant = {"principal": "user:runner", "object": f"project:{self.slug}", "rights": ["use"]}
        self._owner("POST", "/grants", grant)
        made = {name: self._node(name, machine, pinned=not fetch) for name, machine in machines.items()}
        for node in made.values() if fetch else ():
            self._owner("POST", f"/nodes/{node['id']}/host-keys/look")
        for name, node in made.items() if fetch else ():
            key = self._shown_key(node)
            assert key["key"] in machines[name].host_keys
            self._owner("POST", f"/nodes/{node['id']}/host-keys/{key['id']}/accept")
        return made

    def _node(self, name: str, machine: Target, *, pinned: bool) -> dict[str, Any]:
        described = {"host": machine.host, "port": machine.port, "user": machine.user, "tags": ["fleet"]}
        keys = {"host_keys": list(machine.host_keys)} if pinned else {}
        sign_in = {"private_key": self._secret(machine.private_key)}
        node = {"name": name, "project": self.slug, **described, **keys, **sign_in}
        made: dict[str, Any] = self._owner("POST", "/nodes", node)
        return made

    def _secret(self, value: str) -> str:
        """Its path; one for each value."""
        if value not in self._secrets:
            slug = f"key-{len(self._secrets) + 1}"
            self._owner("POST", "/secrets", {"project": self.slug, "slug": slug, "title": slug, "value": value})
            self._secrets[value] = f"{self.slug}/{slug}"
        return self._secrets[value]

    def _shown_key(self, node: dict[str, Any]) -> dict[str, Any]:
        end = time.monotonic() + 60
        while not (told := self._owner("GET", f"/nodes/{node['id']}"))["key_found"]:
            assert time.monotonic() < end, "no worker has looked"
            time.sleep(0.1)
        assert len(told["host_keys"]) == 1, told["key_found"]
        key: dict[str, Any] = told["host_keys"][0]
        return key

    def _definition(self, slug: str, script: str, timeout: str, spec: dict[str, Any]) -> dict[str, Any]:
        return {
            "apiVersion": "opsaas/v1",
            "kind": "Runbook",
            "metadata": {"project": self.slug, "slug": slug, "title": slug.title()},
            "doc": "## Meaning\nA test.\n",
            "spec": {
                "containment": {"level": "host"},  # scripts count their starts in a file outside
                "steps": [{"id": "main", "interpreter": ["sh"], "script": script, "timeout": timeout}],
                **spec,
            },
        }
