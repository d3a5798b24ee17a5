# ruff: noqa: E501  (a table reads best with a row a line)
"""Every page and act of authors and keepers, every role: what they get. A route of theirs that is not here fails."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from runbooks.models import Delivery, Grant, Token
from runbooks.usecases.people.groups import add_group, add_member
from runbooks.usecases.versions.submit import submit
from runbooks.web.starting_text import starting_text
from runbooks.web.urls import AUTHORS, KEEPERS
from tests.world import World, announced

ROLES = ("stranger", "runner", "author", "owner", "auditor", "admin")
TEXT = starting_text(project="payments")
GRANT = {"principal": "user:stranger", "object": "project:payments", "role": "runner", "lasts": "7d", "reason": "r"}
BOOK = "runbooks/payments/hello"


@dataclass(frozen=True)
class Row:
    method: str
    name: str  # of the route
    path: str
    statuses: str  # one per role: 302 is done, 422 and 409 were let in
    body: Any = None


# fmt: off
TABLE = [
    #                                                  stranger runner author owner auditor admin
    Row("GET", "projects", "projects", "200 200 200 200 200 200"),
    Row("POST", "projects", "projects", "403 403 403 403 403 302", {"slug": "new", "title": "New"}),
    Row("GET", "new_runbook", "projects/payments/new", "404 403 200 200 403 403"),
    Row("POST", "new_runbook", "projects/payments/new", "404 403 302 302 403 403", {"text": TEXT}),
    Row("GET", "editor", f"{BOOK}/edit", "404 403 200 200 403 403"),
    Row("POST", "editor", f"{BOOK}/edit", "404 403 422 422 403 403", {"text": "", "base": "2"}),
    Row("GET", "version", f"{BOOK}/versions/2", "404 200 200 200 200 200"),
    Row("POST", "version_submit", f"{BOOK}/versions/3/submit", "404 403 302 302 403 403"),
    Row("POST", "version_review", f"{BOOK}/versions/2/review", "404 403 403 302 403 403", {"verdict": "approve", "digest": "{hash}"}),
    Row("POST", "version_publish", f"{BOOK}/versions/2/publish", "404 403 403 403 403 403"),
    Row("POST", "version_withdraw", f"{BOOK}/versions/2/withdraw", "404 403 302 302 403 403"),
    Row("GET", "version_diff", f"{BOOK}/versions/1/diff/2", "404 200 200 200 200 200"),
    Row("GET", "reviews", "reviews", "200 200 200 200 200 200"),
    Row("GET", "access", "access", "200 200 200 200 200 200"),
    Row("GET", "new_grant", "access/new", "403 403 403 200 403 200"),
    Row("POST", "new_grant", "access/new", "403 403 403 302 403 302", GRANT),
    Row("POST", "revoke_grant", "access/{grant}/revoke", "404 403 404 302 403 302"),
    Row("GET", "audit", "audit", "403 403 403 403 200 403"),
    Row("GET", "audit_event", "audit/1", "403 403 403 403 200 403"),
    Row("GET", "admin", "admin", "403 403 403 403 403 200"),
    Row("POST", "kill_switch", "admin/kill-switch", "403 403 403 403 403 302", {"accepts": "no", "reason": "r"}),
    Row("GET", "people", "admin/people", "403 403 403 403 403 200"),
    Row("GET", "new_person", "admin/new-person", "403 403 403 403 403 200"),
    Row("POST", "new_person", "admin/new-person", "403 403 403 403 403 302", {"username": "newcomer"}),
    Row("GET", "new_service_account", "admin/new-service-account", "403 403 403 403 403 200"),
    Row("POST", "new_service_account", "admin/new-service-account", "403 403 403 403 403 302", {"username": "bot", "owner": "runner"}),
    Row("GET", "person", "admin/people/robot", "404 404 200 404 404 200"),
    Row("POST", "switch_account", "admin/people/robot/switch", "404 404 302 404 404 302", {"disabled": "yes", "reason": "r"}),
    Row("GET", "groups", "admin/groups", "403 403 403 403 403 200"),
    Row("POST", "groups", "admin/groups", "403 403 403 403 403 302", {"slug": "new", "title": "New"}),
    Row("GET", "group", "admin/groups/sre", "404 404 404 404 404 200"),
    Row("POST", "group", "admin/groups/sre", "404 404 404 404 404 302", {"user": "author", "lasts": "7d"}),
    Row("POST", "group_member_end", "admin/groups/sre/members/runner/end", "404 404 404 404 404 302"),
    Row("GET", "deliveries", "admin/deliveries", "200 200 200 200 200 200"),
    Row("GET", "delivery", "admin/deliveries/{delivery}", "404 404 404 200 200 403"),
    Row("GET", "me", "me", "200 200 200 200 200 200"),
    Row("POST", "issue_token", "me/tokens", "422 422 422 422 422 422"),
    Row("POST", "revoke_token", "me/tokens/{token}/revoke", "404 404 302 404 404 302"),
]
# fmt: on


@pytest.fixture
def full(world: World) -> dict[str, str]:
    """A world in which every row finds what it names; the ids by which it does."""
    now = timezone.now()
    run = world.executed(world.started())
    announced(run)
    second = world.drafted(script="echo second")
    submit(actor=world.actor("author"), version=second, now=now)
    world.drafted(script="echo third")
    add_member(
        actor=world.actor("admin"),
        group=add_group(actor=world.actor("admin"), slug="sre", title="SRE", now=now),
        user=world.user("runner"),
        now=now,
    )
    world.token("robot")
    return {
        "hash": second.hash,
        "grant": str(Grant.objects.get(user__username="runner").pk),
        "delivery": str(Delivery.objects.get(recipient__username="owner").pk),
        "token": str(Token.objects.get().pk),
    }


def test_every_role_gets_what_the_table_says(world: World, full: dict[str, str]) -> None:
    browsers = [world.browser(role) for role in ROLES]
    wrong = []
    for row in TABLE:
        answers = " ".join(str(_status(row, browser, full)) for browser in browsers)
        if answers != row.statuses:
            wrong.append(f"{row.method} {row.name}: {answers}, not {row.statuses}")
    assert wrong == []


def test_who_is_nobody_is_sent_to_sign_in_and_nothing_happens(full: dict[str, str]) -> None:
    assert {_status(row, Client(), full) for row in TABLE} == {302}
    assert not Grant.objects.filter(user__username="stranger").exists()


def test_no_act_goes_without_its_csrf_token(world: World, full: dict[str, str]) -> None:
    strict = world.browser("admin")
    strict.handler.enforce_csrf_checks = True
    assert {_status(row, strict, full) for row in TABLE if row.method == "POST"} == {403}


def test_every_route_is_in_the_table() -> None:
    assert {row.name for row in TABLE} == {route.name for route in [*AUTHORS, *KEEPERS]}


def _status(row: Row, browser: Client, ids: dict[str, str]) -> int:
    """The status of one call, whose effects are rolled back."""
    path = "/" + re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], row.path)
    body = {key: value.replace("{hash}", ids["hash"]) for key, value in (row.body or {}).items()}
    with transaction.atomic():
        answer = browser.get(path) if row.method == "GET" else browser.post(path, body)
        transaction.set_rollback(True)
    return answer.status_code
