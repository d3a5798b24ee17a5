"""Every page, in both themes and on a phone: nothing that axe finds, nothing that a browser complains about."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from tests.installation import Client, Installation
from tests.journeys.browsing import COLOUR, DESK, PHONE, Desk, axe_findings, sideways, twice_named
from tests.keys import KEY
from tests.vetted import Vetted

STEP = {"id": "main", "interpreter": ["sh"], "script": "true"}


class Sight(NamedTuple):
    """A page in a state: who looks, where, and the text by which one knows that it is there."""

    name: str
    who: str | None
    path: str
    shows: str = ""


SIGHTS = [
    Sight("sign-in", None, "/accounts/login/"),
    Sight("catalog", "runner", "/", "Steady"),
    Sight("catalog, nothing found", "runner", "/?q=there-is-no-such-thing"),
    Sight("runbook", "runner", "/runbooks/{book}"),
    Sight("runbook of the demo", "runner", "/runbooks/demo/disk-pressure"),
    Sight("runbook that one may not run", "auditor", "/runbooks/{book}"),
    Sight("run form", "runner", "/runbooks/demo/disk-pressure/run"),
    Sight("run form without values", "runner", "/runbooks/{book}/run"),
    Sight("run, going on", "runner", "/runs/{running}", "still at it"),
    Sight("run, succeeded", "runner", "/runs/{succeeded}", "steady as ever"),
    Sight("run, failed", "runner", "/runs/{failed}", "something is wrong"),
    Sight("run, for the owner", "owner", "/runs/{succeeded}", "steady as ever"),
    Sight("run without its output", "author", "/runs/{succeeded}"),
    Sight("runs", "runner", "/runs", "Failed"),
    Sight("runs, none", "runner", "/runs?status=lost"),
    Sight("editor", "author", "/runbooks/{book}/edit"),
    Sight("editor of a new runbook", "author", "/projects/{project}/new"),
    Sight("version, a draft", "author", "/runbooks/{book}/versions/2"),
    Sight("version, to be reviewed", "owner", "/runbooks/{book}/versions/3", "Approve"),
    Sight("diff", "owner", "/runbooks/{book}/versions/1/diff/2"),
    Sight("reviews", "owner", "/reviews", "Steady"),
    Sight("reviews, none", "runner", "/reviews"),
    Sight("secrets", "owner", "/secrets", "Deploy key"),
    Sight("secrets, none fits", "owner", "/secrets?q=there-is-no-such-thing"),
    Sight("secret", "owner", "/secrets/{project}/deploy", "destroyed"),
    Sight("secret, only to look at", "runner", "/secrets/{project}/deploy", "Deploy key"),
    Sight("new secret", "owner", "/secrets/new"),
    Sight("nodes", "owner", "/nodes", "gate"),
    Sight("nodes, none fits", "owner", "/nodes?q=there-is-no-such-thing"),
    Sight("node", "owner", "/nodes/{node}", "Host keys"),
    Sight("node, only to look at", "runner", "/nodes/{node}", "needs the right"),
    Sight("new node", "owner", "/nodes/new", "Private key"),
    Sight("import of nodes", "owner", "/nodes/import"),
    Sight("run form with nodes to choose", "runner", "/runbooks/{choice}/run", "13 of 13"),
    Sight("run, waiting for somebody", "runner", "/runs/{asking}", "Is it well?"),
    Sight("run, waiting for a moment", "runner", "/runs/{waiting}", "goes on by itself"),
    Sight("password", "runner", "/accounts/password/change/"),
    Sight("second factor", "runner", "/accounts/2fa/"),
    Sight("access", "owner", "/access", "runner"),
    Sight("giving a grant", "owner", "/access/new"),
    Sight("audit", "auditor", "/audit", "run.requested"),
    Sight("integrity", "auditor", "/audit/integrity", "Public keys"),
    Sight("audit event", "auditor", "/audit/1"),
    Sight("admin", "admin", "/admin"),
    Sight("people", "admin", "/admin/people", "runner"),
    Sight("person", "admin", "/admin/people/runner"),
    Sight("new person", "admin", "/admin/new-person"),
    Sight("new service account", "admin", "/admin/new-service-account"),
    Sight("groups", "admin", "/admin/groups", "On call"),
    Sight("group", "admin", "/admin/groups/oncall", "runner"),
    Sight("deliveries", "owner", "/admin/deliveries"),
    Sight("projects", "author", "/projects", "Test"),
    Sight("projects, for who may make one", "admin", "/projects"),
    Sight("notifications, none", "runner", "/notifications"),
    Sight("new endpoint", "owner", "/notifications/new"),
    Sight("me", "runner", "/me"),
    Sight("not there", "runner", "/no/such/page"),
    Sight("not allowed", "runner", "/admin"),
]


@pytest.fixture(scope="session")
def scenery(
    system: Installation, project: Vetted, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What the pages show: a runbook in several versions, and runs in several states."""
    folder = tmp_path_factory.mktemp("scenery")
    gate = folder / "gate"
    folder.chmod(0o777)
    steady = project.runbook("steady", "printf '\\033[1;33msteady\\033[0m as ever\\n'")
    failing = project.runbook("failing", "echo something is wrong; echo ERROR: no >&2; exit 3")
    endless = project.runbook("endless-sight", f"echo still at it; until [ -e {gate} ]; do sleep 0.1; done")
    runner, author, admin = (system.client(name) for name in ("runner", "author", "admin"))
    _more_versions(author, steady)
    _a_secret(system.client("owner"), project.slug)
    admin("POST", "/groups", {"slug": "oncall", "title": "On call"})
    admin("POST", "/groups/oncall/members", {"user": "runner"})
    shown = _nodes(system.client("owner"), project.slug)
    admin("POST", "/grants", {"principal": "user:runner", "object": f"project:{project.slug}", "rights": ["use"]})
    shown["choice"] = project.runbook("choice", "true", parameters=[{"name": "host", "type": "node"}])
    asking = {"id": "look", "manual": {"ask": "Is it **well**?"}}
    settling = {"id": "settle", "wait": {"for": "1h"}, "timeout": "2h"}
    wanted = {"asking": project.runbook("asking", "", steps=[asking, STEP])}
    wanted |= {"waiting": project.runbook("settling", "", steps=[settling, STEP])}
    wanted |= {"succeeded": steady, "failed": failing, "running": endless}
    started = {name: runner.start(path) for name, path in wanted.items()}
    runner.finished(started["succeeded"])
    runner.finished(started["failed"])
    yield {"book": steady, "project": project.slug, **shown, **started}
    Path(gate).touch()
    runner.finished(started["running"])


def _nodes(owner: Client, project: str) -> dict[str, str]:
    for number in range(12):
        owner("POST", "/nodes", {"project": project, "name": f"web{number}", "tags": ["web"]})
    made = owner("POST", "/nodes", {"project": project, "name": "gate", "host_keys": [KEY], "attributes": {"a": "b"}})
    return {"node": made["id"]}


def _a_secret(owner: Client, project: str) -> None:
    about = {"title": "Deploy key", "description": "From the deploy server, by `make key`."}
    owner("POST", "/secrets", {"project": project, "slug": "deploy", "value": "correct-horse", **about})
    owner("PATCH", f"/secrets/{project}/deploy", {"value": "another-horse"})


def _more_versions(author: Client, path: str) -> None:
    """The second stays a draft, the third is in review."""
    published = author("GET", f"/runbooks/{path}/versions/1")["definition"]
    for words in ("steady, in other words", "steady, in better words"):
        published["spec"]["steps"][0]["script"] = f"echo {words}"
        made = author("PUT", f"/runbooks/{path}/draft", published)
    author("POST", f"/runbooks/{path}/versions/{made['number']}/submit", {})


@pytest.mark.parametrize("sight", SIGHTS, ids=lambda sight: sight.name)
def test_axe_finds_nothing_in_either_theme_and_a_phone_does_not_scroll_sideways(
    desk: Desk, scenery: dict[str, str], sight: Sight
) -> None:
    page = desk.browser_of(sight.who)
    page.goto(sight.path.format(**scenery))
    if sight.shows:
        expect(page.locator("main")).to_contain_text(sight.shows)
    found = axe_findings(page) + twice_named(page)
    page.set_viewport_size(PHONE)
    found += sideways(page)
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.documentElement.dataset.bsTheme === 'dark'")
    found += [f"dark: {finding}" for finding in axe_findings(page, COLOUR)]
    assert found == []
