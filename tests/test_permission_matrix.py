# ruff: noqa: E501  (a table reads best with a row a line)
"""Every route of the API, every method, every role: what they get. A route that is not in the table fails; for those
of the pages see test_permission_matrix_pages.py.

What one may not see answers 404, what one sees but may not do 403, who is nobody 401. Where a role may, the status is
what the act answers. Each call is rolled back, so that the order does not matter.
"""

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from runbooks.models import (
    AuditEvent,
    AuditLeaf,
    BreakGlassReview,
    Delivery,
    Group,
    HostKey,
    Membership,
    Node,
)
from runbooks.usecases.approvals.delegate import delegate, take_back
from runbooks.usecases.guardrails.freeze import freeze
from runbooks.usecases.versions.review import review
from runbooks.usecases.versions.submit import submit
from tests.audit.trees import checkpointed
from tests.keys import KEY, OTHER_KEY
from tests.matrix import ROLES, Row, all_routes
from tests.world import PROJECT, World, definition

BOOK = f"runbooks/{PROJECT}/hello"


GRANT = {"principal": "user:stranger", "object": f"project:{PROJECT}", "rights": ["view"]}
SECRET = {"project": PROJECT, "slug": "new", "title": "New", "value": "hunter22"}
ENDPOINT = {
    "place": f"project:{PROJECT}",
    "slug": "new",
    "title": "New",
    "kind": "webhook",
    "address": "https://hooks.example.org/",
    "events": ["failed"],
}
BY = "/api/v1/"
# fmt: off
API = [
    #                                            nobody stranger runner author owner auditor admin
    Row("GET", "me", "401 200 200 200 200 200 200"),
    Row("POST", "authz/check", "401 404 200 200 200 200 200", body={"action": "run", "object": f"project:{PROJECT}"}),
    Row("GET", "projects", "401 200 200 200 200 200 200"),
    Row("POST", "projects", "401 403 403 403 403 403 201", body={"slug": "new", "title": "New"}),
    Row("GET", "projects/<slug:slug>", "401 404 200 200 200 200 200", f"projects/{PROJECT}"),
    Row("GET", "users", "401 403 403 403 403 403 200"),
    Row("POST", "users", "401 403 403 403 403 403 201", body={"username": "newcomer"}),
    Row("GET", "users/<str:name>", "401 404 200 404 404 404 200", "users/runner"),
    Row("PATCH", "users/<str:name>", "401 404 403 404 404 404 200", "users/runner", {"disabled": True}),
    Row("GET", "service-accounts", "401 403 403 403 403 403 200"),
    Row("POST", "service-accounts", "401 403 403 403 403 403 201", body={"username": "bot", "owner": "runner"}),
    Row("GET", "groups", "401 403 403 403 403 403 200"),
    Row("POST", "groups", "401 403 403 403 403 403 201", body={"slug": "new", "title": "New"}),
    Row("GET", "groups/<slug:slug>", "401 404 404 404 404 404 200", "groups/oncall"),
    Row("GET", "groups/<slug:slug>/members", "401 404 404 404 404 404 200", "groups/oncall/members"),
    Row("POST", "groups/<slug:slug>/members", "401 404 404 404 404 404 201", "groups/oncall/members", {"user": "runner"}),
    Row(
        "DELETE",
        "groups/<slug:slug>/members/<str:name>",
        "401 404 404 404 404 404 204",
        "groups/oncall/members/author",
    ),
    Row("GET", "tokens", "401 200 200 200 200 200 200"),
    Row("POST", "tokens", "401 201 201 201 201 201 201", body={"name": "mine"}),
    Row("DELETE", "tokens/<str:id>", "401 404 204 404 404 404 204", "tokens/{token}"),
    Row("GET", "grants", "401 200 200 200 200 200 200"),
    Row("POST", "grants", "401 404 403 403 201 403 201", body=GRANT),
    Row("GET", "grants/<str:id>", "401 404 200 404 200 200 200", "grants/{grant}"),
    Row("DELETE", "grants/<str:id>", "401 404 403 404 204 403 204", "grants/{grant}"),
    Row("GET", "freezes", "401 200 200 200 200 200 200"),
    Row("POST", "freezes", "401 404 403 403 201 403 201", body={"object": f"project:{PROJECT}", "reason": "r"}),
    Row("GET", "freezes/<str:id>", "401 404 200 200 200 200 200", "freezes/{freeze}"),
    Row("DELETE", "freezes/<str:id>", "401 404 403 403 204 403 204", "freezes/{freeze}"),
    Row("POST", "kill-switch", "401 404 403 403 200 403 200", body={"object": f"project:{PROJECT}", "accepts_runs": False, "reason": "r"}),
    Row("GET", "break-glass-reviews", "401 200 200 200 200 200 200"),
    Row("POST", "break-glass-reviews/<str:id>/close", "401 404 403 404 200 200 200", "break-glass-reviews/{broken}/close", {"comment": "Seen."}),
    Row("PUT", "nodes/<str:id>/maintenance", "401 404 403 403 200 403 200", "nodes/{node}/maintenance", {"reason": "r"}),
    Row("DELETE", "nodes/<str:id>/maintenance", "401 404 403 403 204 403 204", "nodes/{node}/maintenance"),
    Row("GET", "nodes", "401 200 200 200 200 200 200"),
    Row("POST", "nodes", "401 404 403 403 201 403 201", body={"name": "web2", "project": PROJECT}),
    Row("POST", "nodes/import", "401 404 403 403 200 403 200", body={"project": PROJECT, "nodes": [{"name": "web3"}]}),
    Row("GET", "nodes/<str:id>", "401 404 200 200 200 200 200", "nodes/{node}"),
    Row("PATCH", "nodes/<str:id>", "401 404 403 403 200 403 200", "nodes/{node}", {"port": 2222}),
    Row("DELETE", "nodes/<str:id>", "401 404 403 403 204 403 204", "nodes/{node}"),
    Row("GET", "nodes/<str:id>/host-keys", "401 404 200 200 200 200 200", "nodes/{node}/host-keys"),
    Row("POST", "nodes/<str:id>/host-keys", "401 404 403 403 201 403 201", "nodes/{node}/host-keys", {"key": OTHER_KEY}),
    Row("POST", "nodes/<str:id>/host-keys/look", "401 404 403 403 202 403 202", "nodes/{node}/host-keys/look"),
    Row("POST", "nodes/<str:id>/host-keys/<str:key>/accept", "401 404 403 403 200 403 200", "nodes/{node}/host-keys/{key}/accept"),
    Row("POST", "nodes/<str:id>/host-keys/<str:key>/reject", "401 404 403 403 200 403 200", "nodes/{node}/host-keys/{key}/reject"),
    Row("GET", "secrets", "401 200 200 200 200 200 200"),
    Row("POST", "secrets", "401 404 403 403 201 403 403", body=SECRET),
    Row("GET", "secrets/<slug:project>/<slug:slug>", "401 404 200 200 200 200 200", f"secrets/{PROJECT}/deploy"),
    Row("PATCH", "secrets/<slug:project>/<slug:slug>", "401 404 403 403 200 403 403", f"secrets/{PROJECT}/deploy", {"value": "another"}),
    Row("DELETE", "secrets/<slug:project>/<slug:slug>", "401 404 403 403 204 403 403", f"secrets/{PROJECT}/deploy"),
    Row("GET", "me/notifications", "401 200 200 200 200 200 200"),
    Row("PUT", "me/notifications", "401 200 200 200 200 200 200", body={"pace": "daily", "requested": "always", "by_email": True}),
    Row("GET", "notifications/endpoints", "401 200 200 200 200 200 200"),
    Row("POST", "notifications/endpoints", "401 404 403 403 201 403 201", body=ENDPOINT),
    Row("GET", "notifications/endpoints/<str:id>", "401 404 404 404 200 200 200", "notifications/endpoints/{endpoint}"),
    Row("PATCH", "notifications/endpoints/<str:id>", "401 404 404 404 200 403 200", "notifications/endpoints/{endpoint}", {"title": "New"}),
    Row("DELETE", "notifications/endpoints/<str:id>", "401 404 404 404 204 403 204", "notifications/endpoints/{endpoint}"),
    Row("POST", "notifications/endpoints/<str:id>/test", "401 404 404 404 202 403 202", "notifications/endpoints/{endpoint}/test"),
    Row("GET", "notifications/deliveries", "401 200 200 200 200 200 200"),
    Row("GET", "notifications/deliveries/<str:id>", "401 404 404 404 200 200 200", "notifications/deliveries/{delivery}"),
    Row("POST", "notifications/deliveries/<str:id>/replay", "401 404 404 404 202 403 202", "notifications/deliveries/{delivery}/replay"),
    Row("GET", "runbooks", "401 200 200 200 200 200 200"),
    Row("GET", "runbooks/<slug:project>/<slug:slug>", "401 404 200 200 200 200 200", BOOK),
    Row("PUT", "runbooks/<slug:project>/<slug:slug>/draft", "401 404 403 201 201 403 403", f"{BOOK}/draft", definition(script="new")),
    Row("GET", "runbooks/<slug:project>/<slug:slug>/versions", "401 404 200 200 200 200 200", f"{BOOK}/versions"),
    Row("GET", "runbooks/<slug:project>/<slug:slug>/versions/<int:number>", "401 404 200 200 200 200 200", f"{BOOK}/versions/1"),
    Row("POST", "runbooks/<slug:project>/<slug:slug>/versions/<int:number>/submit", "401 404 403 200 200 403 403", f"{BOOK}/versions/2/submit"),
    Row("POST", "runbooks/<slug:project>/<slug:slug>/versions/<int:number>/withdraw", "401 404 403 200 200 403 403", f"{BOOK}/versions/2/withdraw"),
    Row("POST", "runbooks/<slug:project>/<slug:slug>/versions/<int:number>/review", "401 404 403 403 200 403 403", f"{BOOK}/versions/3/review", {"verdict": "approve", "hash": "{hash}"}),
    Row("POST", "runbooks/<slug:project>/<slug:slug>/versions/<int:number>/publish", "401 404 403 403 200 403 403", f"{BOOK}/versions/4/publish"),
    Row("GET", "runbooks/<slug:project>/<slug:slug>/versions/<int:a>/diff/<int:b>", "401 404 200 200 200 200 200", f"{BOOK}/versions/1/diff/2"),
    Row("GET", "runs", "401 200 200 200 200 200 200"),
    Row("POST", "runs", "401 404 202 403 202 403 403", body={"runbook": f"{PROJECT}/hello"}),
    Row("GET", "runs/<str:id>", "401 404 200 200 200 200 200", "runs/{run}"),
    Row("GET", "runs/<str:id>/steps", "401 404 200 200 200 200 200", "runs/{run}/steps"),
    Row("GET", "runs/<str:id>/log", "401 404 200 403 200 200 403", "runs/{run}/log"),
    Row("GET", "runs/<str:id>/artifacts", "401 404 200 403 200 200 403", "runs/{run}/artifacts"),
    Row("GET", "runs/<str:id>/artifacts/<str:artifact>", "401 404 404 403 404 404 403", "runs/{run}/artifacts/{run}"),  # another's
    Row("GET", "runs/<str:id>/evidence", "401 404 403 403 200 200 403", "runs/{run}/evidence"),
    Row("GET", "runs/<str:id>/notes", "401 404 200 403 200 200 403", "runs/{run}/notes"),
    Row("POST", "runs/<str:id>/notes", "401 404 201 403 201 201 403", "runs/{run}/notes", {"text": "seen"}),
    Row("POST", "runs/<str:id>/cancel", "401 404 202 403 202 403 202", "runs/{run}/cancel"),
    Row("POST", "runs/<str:id>/steps/<str:step>/complete", "401 404 409 403 409 403 403", "runs/{run}/steps/{step}/complete", {"verdict": "approve"}),
    Row("POST", "runs/<str:id>/resume", "401 404 409 403 409 403 403", "runs/{run}/resume"),
    Row("POST", "runs/<str:id>/rerun", "401 404 202 403 202 403 403", "runs/{run}/rerun"),
    Row("GET", "runs/<str:id>/approval", "401 404 200 200 200 200 200", "runs/{awaiting}/approval"),
    Row("POST", "runs/<str:id>/approval", "401 404 403 403 200 403 403", "runs/{awaiting}/approval", {"verdict": "approve", "plan_hash": "{plan}"}),
    Row("GET", "approvals", "401 200 200 200 200 200 200"),
    Row("GET", "delegations", "401 200 200 200 200 200 200"),
    Row("POST", "delegations", "401 403 403 400 201 403 403", body={"delegate": "author", "ends_at": "{soon}"}),
    Row("DELETE", "delegations/<str:id>", "401 404 404 204 204 404 204", "delegations/{delegation}"),
    Row("GET", "audit/events", "401 403 403 403 403 200 403"),
    Row("GET", "audit/checkpoint", "401 403 403 403 403 200 403"),
    Row("GET", "audit/checkpoints", "401 403 403 403 403 200 403"),
    Row("GET", "audit/checkpoints/<int:size>", "401 403 403 403 403 200 403", "audit/checkpoints/{size}"),
    Row("POST", "audit/checkpoints/<int:size>/cosignatures", "401 403 403 403 403 403 403", "audit/checkpoints/{size}/cosignatures", {"lines": ""}),  # only who audits the installation
    Row("GET", "audit/consistency", "401 403 403 403 403 200 403", "audit/consistency?from=1&to={size}"),
    Row("GET", "audit/leaves/<int:seq>", "401 403 403 403 403 200 403", "audit/leaves/{seq}"),
    Row("GET", "audit/leaves/<int:seq>/inclusion", "401 403 403 403 403 200 403", "audit/leaves/{seq}/inclusion"),
    Row("GET", "audit/keys", "401 403 403 403 403 200 403"),
    Row("GET", "audit/holds", "401 403 403 403 403 403 403"),  # only who audits the installation
    Row("POST", "audit/holds", "401 403 403 403 403 403 403", body={"reason": "a lawsuit"}),
    Row("POST", "audit/holds/<str:id>/lift", "401 403 403 403 403 403 403", "audit/holds/{run}/lift", {"reason": "settled"}),
    Row("GET", "audit/export", "401 403 403 403 403 403 403"),  # only who audits the installation
    Row("GET", "schema", "401 200 200 200 200 200 200"),
    Row("GET", "docs", "401 200 200 200 200 200 200"),
    *(Row(method, "<path:rest>", "401 404 404 404 404 404 404", "no/such/thing") for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
]
# fmt: on


@dataclass
class Filled:
    """The world's things that paths name."""

    values: dict[str, str]

    def __call__(self, text: str) -> str:
        for name, value in self.values.items():
            text = text.replace("{" + name + "}", value)
        return text


@pytest.fixture
def filled(world: World) -> Filled:
    """Version 1 published, 2 a draft, 3 in review, 4 approved; a queued run of the runner's; a group with a member."""
    now = timezone.now()
    runbook = world.published()
    world.drafted(script="echo two")
    third = world.drafted(script="echo three")
    submit(actor=world.actor("author"), version=third, now=now)
    fourth = world.drafted(script="echo four")
    submit(actor=world.actor("author"), version=fourth, now=now)
    review(actor=world.actor("owner"), version=fourth, verdict="approve", comment="", digest=fourth.hash, now=now)
    run = world.started(runbook)
    group = Group.objects.create(slug="oncall", title="On call")
    Membership.objects.create(group=group, user=world.user("author"), starts_at=now)
    world.token("runner")
    node = Node.objects.create(project=world.project, name="web1", host="web1")
    key = HostKey.objects.create(node=node, key=KEY, seen_at=now)
    world.secret()
    told = world.told_by_webhook(events=["requested"])
    message = Delivery.objects.create(
        occasion="x", endpoint=told, project=world.project, channel="webhook", address="hooks"
    )
    soon = now + timedelta(days=1)
    awaiting = world.started(world.published("careful", policy={"approvals": {}}))
    lent = delegate(actor=world.actor("owner"), to="author", until=soon, now=now)
    take_back(actor=world.actor("owner"), delegation=lent, now=now)  # who approves here is who is meant
    size = checkpointed().size
    event = AuditEvent.objects.get(action="run.requested", object_id=str(run.pk))
    later = freeze(
        actor=world.actor("owner"), place=world.project, reason="r", starts_at=now + timedelta(days=9), now=now
    )
    broken = BreakGlassReview.objects.create(run=run, by=world.user("runner"), reason="r", passed=["A freeze."])
    return Filled(
        {
            "endpoint": str(told.pk),
            "delivery": str(message.pk),
            "run": str(run.pk),
            "awaiting": str(awaiting.pk),
            "plan": awaiting.plan_hash,
            "soon": soon.isoformat(),
            "delegation": str(lent.pk),
            "step": str(run.step_runs.get().pk),
            "node": str(node.pk),
            "key": str(key.pk),
            "freeze": str(later.pk),
            "broken": str(broken.pk),
            "hash": third.hash,
            "grant": str(world.user("runner").grants.get().pk),
            "size": str(size),
            "seq": str(AuditLeaf.objects.get(event_id=event.pk).seq),
            "token": str(world.user("runner").tokens.get().pk),
        }
    )


@pytest.mark.parametrize("row", API, ids=lambda row: f"{row.method} {row.route}")
def test_each_role_gets_from_the_api_what_the_table_says(world: World, filled: Filled, row: Row) -> None:
    path, body = BY + filled(row.path or row.route), filled(json.dumps(row.body or {}))
    assert {role: _status(world, role, row.method, path, body) for role in ROLES} == row.expected


def test_every_route_of_the_api_is_in_the_table() -> None:
    there = {(method, route.removeprefix("api/v1/")) for method, route in all_routes() if route.startswith("api/v1/")}
    assert there == {(row.method, row.route) for row in API}


def _status(world: World, role: str, method: str, path: str, body: str) -> int:
    with transaction.atomic():
        head = {} if role == "nobody" else {"Authorization": f"Bearer {world.token(role)}"}
        call = getattr(Client(headers=head), method.lower())
        answer = call(path) if method == "GET" else call(path, body, content_type="application/json")
        transaction.set_rollback(True)
    return int(answer.status_code)
