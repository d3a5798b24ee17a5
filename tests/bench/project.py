"""The runbooks that are measured, vetted as any other."""

from typing import Any

from tests.bench.installation import Installation

PROJECT = "bench"
HELLO, SLOW, BIG = "bench/hello", "bench/slow", "bench/big"
SCRIPTS = {
    HELLO: "echo hello",
    SLOW: "echo begun; sleep 60",
    BIG: "yes %s | head -n 100000" % ("x" * 80),
}


def prepare(system: Installation) -> None:
    """A fresh project; on a database that was used before, the one that is there."""
    admin, author, owner = (system.client(name) for name in ("admin", "author", "owner"))
    if admin.raw("POST", "/projects", {"slug": PROJECT, "title": "Measurements"})[0] == 409:
        return
    rights = {"owner": ["view", "run", "see_output", "edit", "review", "grant"], "author": ["view", "edit"]}
    rights["runner"] = ["view", "run", "see_output"]
    for name, held in rights.items():
        admin("POST", "/grants", {"principal": f"user:{name}", "object": f"project:{PROJECT}", "rights": held})
    for runbook, script in SCRIPTS.items():
        made = author("PUT", f"/runbooks/{runbook}/draft", _definition(runbook.partition("/")[2], script))
        address = f"/runbooks/{runbook}/versions/{made['number']}"
        author("POST", f"{address}/submit", {})
        owner("POST", f"{address}/review", {"verdict": "approve", "comment": "", "hash": made["hash"]})
        owner("POST", f"{address}/publish", {})


def _definition(slug: str, script: str) -> dict[str, Any]:
    return {
        "apiVersion": "opsaas/v1",
        "kind": "Runbook",
        "metadata": {"project": PROJECT, "slug": slug, "title": slug.title()},
        "doc": "## Meaning\nMeasured.\n",
        "spec": {"steps": [{"id": "main", "interpreter": ["sh"], "script": script, "timeout": "60s"}]},
    }
