# ruff: noqa: E501  (a table reads best with a row a line)
"""Every route that is not of the API, every method, every role: what they get. A route that is not here fails.

Who is nobody is sent to sign in (302). What one may not see is 404, what one sees but may not do 403. Where a role may,
302 is done, 200 is shown, and 422 and 409 were let in. Each call is rolled back, so that the order does not matter.
"""

import copy
import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from opsaas.urls import NOT_OFFERED
from runbooks.models import BreakGlassReview, Delivery, Grant, HostKey, Node, Run, Token
from runbooks.usecases.approvals.delegate import delegate, take_back
from runbooks.usecases.guardrails.freeze import freeze
from runbooks.usecases.people.groups import add_group, add_member
from runbooks.usecases.versions.review import review
from runbooks.usecases.versions.submit import submit
from runbooks.web.starting_text import starting_text
from tests import keys
from tests.matrix import ROLES, Row, all_routes
from tests.world import World, announced

TEXT = starting_text(project="payments")
GRANT = {"principal": "user:stranger", "object": "project:payments", "role": "runner", "lasts": "7d", "reason": "r"}
NODE = {"project": "payments", "name": "web2", "port": "22", "user": "ops"}
SECRET = {"project": "payments", "slug": "new", "title": "New", "value": "hunter22"}
S = "secrets/<slug:project>/<slug:slug>"
KEYS = "nodes/<str:node_id>/keys/<str:key_id>"
ENDPOINT = {
    "place": "project:payments",
    "kind": "webhook",
    "slug": "new",
    "title": "New",
    "address": "https://hooks.example.org/",
    "events": "failed",
}
E = "notifications/<str:endpoint_id>"
BOOK, B = "runbooks/payments/hello", "runbooks/<slug:project>/<slug:slug>"
V = f"{B}/versions/<int:number>"
RUN, DONE = "runs/<str:run_id>", "runs/{done}"

# fmt: off
RUNNERS = [
    #                                           nobody stranger runner author owner auditor admin
    Row("GET", "", "302 200 200 200 200 200 200"),
    Row("GET", B, "302 404 200 200 200 200 200", BOOK),
    Row("GET", f"{B}/run", "302 404 200 403 200 403 403", f"{BOOK}/run"),
    Row("POST", f"{B}/run", "302 404 302 403 302 403 403", f"{BOOK}/run", {"beside": "{queued}"}),
    Row("POST", f"{B}/run/preview", "302 404 200 403 200 403 403", f"{BOOK}/run/preview"),
    Row("GET", "runs", "302 200 200 200 200 200 200"),
    Row("GET", RUN, "302 404 200 200 200 200 200", DONE),
    Row("POST", f"{RUN}/cancel", "302 404 302 403 302 403 302", "runs/{queued}/cancel"),
    Row("POST", f"{RUN}/steps/<str:step>/complete", "302 404 302 403 302 403 403", "runs/{queued}/steps/{step}/complete", {"verdict": "approve"}),
    Row("GET", f"{RUN}/steps/<str:step>/complete", "405", "runs/{queued}/steps/{step}/complete"),
    Row("POST", f"{RUN}/resume", "302 404 302 403 302 403 403", f"{DONE}/resume"),
    Row("POST", f"{RUN}/rerun", "302 404 302 403 302 403 403", f"{DONE}/rerun"),
    Row("POST", f"{RUN}/rerun", "302 404 409 403 409 403 403", f"{DONE}/rerun", {"failed": "1"}),
    Row("POST", f"{RUN}/notes", "302 404 302 403 302 302 403", f"{DONE}/notes", {"text": "seen"}),
    Row("GET", "palette", "302 200 200 200 200 200 200"),
    Row("POST", "", "405"),
    Row("POST", B, "405", BOOK),
    Row("POST", "runs", "405"),
    Row("POST", RUN, "405", DONE),
    Row("POST", "palette", "405"),
    Row("GET", f"{B}/run/preview", "405", f"{BOOK}/run/preview"),
    Row("GET", f"{RUN}/cancel", "405", "runs/{queued}/cancel"),
    Row("GET", f"{RUN}/resume", "405", f"{DONE}/resume"),
    Row("GET", f"{RUN}/notes", "405", f"{DONE}/notes"),
    Row("GET", f"{RUN}/rerun", "405", f"{DONE}/rerun"),
]

AUTHORS = [
    #                                           nobody stranger runner author owner auditor admin
    Row("GET", "projects", "302 200 200 200 200 200 200"),
    Row("POST", "projects", "302 403 403 403 403 403 302", "projects", {"slug": "new", "title": "New"}),
    Row("GET", "projects/<slug:project>/new", "302 404 403 200 200 403 403", "projects/payments/new"),
    Row("POST", "projects/<slug:project>/new", "302 404 403 302 302 403 403", "projects/payments/new", {"text": TEXT}),
    Row("GET", f"{B}/edit", "302 404 403 200 200 403 403", f"{BOOK}/edit"),
    Row("POST", f"{B}/edit", "302 404 403 422 422 403 403", f"{BOOK}/edit", {"text": "", "base": "2"}),
    Row("GET POST", V, "302 404 200 200 200 200 200", f"{BOOK}/versions/2"),
    Row("POST", f"{V}/submit", "302 404 403 302 302 403 403", f"{BOOK}/versions/3/submit"),
    Row("POST", f"{V}/review", "302 404 403 403 302 403 403", f"{BOOK}/versions/2/review", {"verdict": "approve", "digest": "{hash}"}),
    Row("POST", f"{V}/publish", "302 404 403 403 302 403 403", f"{BOOK}/versions/4/publish"),
    Row("POST", f"{V}/withdraw", "302 404 403 302 302 403 403", f"{BOOK}/versions/2/withdraw"),
    Row("GET POST", f"{B}/versions/<int:a>/diff/<int:b>", "302 404 200 200 200 200 200", f"{BOOK}/versions/1/diff/2"),
    Row("GET POST", "reviews", "302 200 200 200 200 200 200"),
    Row("GET", "approvals", "302 200 200 200 200 200 200"),
    Row("GET", "approvals/past", "302 200 200 200 200 200 200"),
    Row("POST", "approvals/delegations", "302 403 302 403 302 403 403", "approvals/delegations", {"delegate": "author", "lasts": "1d"}),
    Row("POST", "approvals/delegations/<str:delegation_id>/end", "302 404 404 302 302 404 302", "approvals/delegations/{delegation}/end"),
    Row("POST", f"{RUN}/approval", "302 404 403 403 302 403 403", "runs/{awaiting}/approval", {"verdict": "approve", "plan_hash": "{plan}"}),
    Row("POST", "approvals", "405"),
    Row("POST", "approvals/past", "405"),
    Row("GET", "approvals/delegations", "405"),
    Row("GET", "approvals/delegations/<str:delegation_id>/end", "405", "approvals/delegations/{delegation}/end"),
    Row("GET", f"{RUN}/approval", "405", "runs/{awaiting}/approval"),
    Row("GET", f"{V}/submit", "405", f"{BOOK}/versions/3/submit"),
    Row("GET", f"{V}/review", "405", f"{BOOK}/versions/2/review"),
    Row("GET", f"{V}/publish", "405", f"{BOOK}/versions/4/publish"),
    Row("GET", f"{V}/withdraw", "405", f"{BOOK}/versions/2/withdraw"),
]

KEEPERS = [
    #                                           nobody stranger runner author owner auditor admin
    Row("GET POST", "nodes", "302 200 200 200 200 200 200"),
    Row("GET", "nodes/new", "302 403 403 403 200 403 200"),
    Row("POST", "nodes/new", "302 403 403 403 302 403 302", "nodes/new", NODE),
    Row("GET", "nodes/import", "302 403 403 403 200 403 200"),
    Row("POST", "nodes/import", "302 403 403 403 302 403 302", "nodes/import", {"project": "payments", "text": "- name: web3"}),
    Row("GET", "nodes/<str:node_id>", "302 404 200 200 200 200 200", "nodes/{node}"),
    Row("POST", "nodes/<str:node_id>", "302 404 403 403 302 403 302", "nodes/{node}", {"port": "2222", "user": "ops", "revision": "1"}),
    Row("POST", "nodes/<str:node_id>/archive", "302 404 403 403 302 403 302", "nodes/{node}/archive"),
    Row("GET", "nodes/<str:node_id>/archive", "405", "nodes/{node}/archive"),
    Row("POST", "nodes/<str:node_id>/keys/look", "302 404 403 403 302 403 302", "nodes/{node}/keys/look"),
    Row("GET", "nodes/<str:node_id>/keys/look", "405", "nodes/{node}/keys/look"),
    *(Row("POST", f"{KEYS}/{verdict}", "302 404 403 403 302 403 302", f"nodes/{{node}}/keys/{{key}}/{verdict}") for verdict in ("accept", "reject")),
    *(Row("GET", f"{KEYS}/{verdict}", "405", f"nodes/{{node}}/keys/{{key}}/{verdict}") for verdict in ("accept", "reject")),
    Row("POST", "nodes/<str:node_id>/maintenance", "302 404 403 403 302 403 302", "nodes/{node}/maintenance", {"reason": "r", "lasts": "1d"}),
    Row("GET", "nodes/<str:node_id>/maintenance", "405", "nodes/{node}/maintenance"),
    Row("GET POST", "guardrails", "302 200 200 200 200 200 200"),
    Row("GET", "guardrails/freezes/new", "302 403 403 403 200 403 200"),
    Row("POST", "guardrails/freezes/new", "302 403 403 403 302 403 302", "guardrails/freezes/new", {"object": "project:payments", "reason": "r", "lasts": "1d"}),
    Row("POST", "guardrails/freezes/<str:freeze_id>/lift", "302 404 403 403 302 403 302", "guardrails/freezes/{freeze}/lift"),
    Row("GET", "guardrails/freezes/<str:freeze_id>/lift", "405", "guardrails/freezes/{freeze}/lift"),
    Row("POST", "guardrails/switch", "302 404 403 403 302 403 302", "guardrails/switch", {"object": "project:payments", "accepts": "no", "reason": "r"}),
    Row("GET", "guardrails/switch", "405", "guardrails/switch"),
    Row("POST", "guardrails/reviews/<str:review_id>/close", "302 404 403 404 302 302 302", "guardrails/reviews/{broken}/close", {"comment": "Seen."}),
    Row("GET", "guardrails/reviews/<str:review_id>/close", "405", "guardrails/reviews/{broken}/close"),
    Row("GET POST", "secrets", "302 200 200 200 200 200 200"),
    Row("GET", "secrets/new", "302 403 403 403 200 403 403"),
    Row("POST", "secrets/new", "302 403 403 403 302 403 403", "secrets/new", SECRET),
    Row("GET", S, "302 404 200 200 200 200 200", "secrets/payments/deploy"),
    Row("POST", S, "302 404 403 403 302 403 403", "secrets/payments/deploy", {"value": "another"}),
    Row("POST", f"{S}/archive", "302 404 403 403 302 403 403", "secrets/payments/deploy/archive"),
    Row("GET", f"{S}/archive", "405", "secrets/payments/deploy/archive"),
    Row("GET POST", "access", "302 200 200 200 200 200 200"),
    Row("GET", "access/new", "302 403 403 403 200 403 200"),
    Row("POST", "access/new", "302 403 403 403 302 403 302", "access/new", GRANT),
    Row("GET", "access/<str:grant_id>/change", "302 404 403 404 200 403 200", "access/{grant}/change"),
    Row("POST", "access/<str:grant_id>/change", "302 404 403 404 302 403 302", "access/{grant}/change", GRANT),
    Row("POST", "access/<str:grant_id>/revoke", "302 404 403 404 302 403 302", "access/{grant}/revoke"),
    Row("GET POST", "audit", "302 403 403 403 403 200 403"),
    Row("GET POST", "audit/integrity", "302 403 403 403 403 200 403"),
    Row("GET POST", "audit/<int:seq>", "302 403 403 403 403 200 403", "audit/1"),
    Row("GET POST", "admin", "302 403 403 403 403 403 200"),
    Row("POST", "admin/kill-switch", "302 403 403 403 403 403 302", "admin/kill-switch", {"accepts": "no", "reason": "r"}),
    Row("GET POST", "admin/people", "302 403 403 403 403 403 200"),
    Row("GET", "admin/new-person", "302 403 403 403 403 403 200"),
    Row("POST", "admin/new-person", "302 403 403 403 403 403 302", "admin/new-person", {"username": "newcomer"}),
    Row("GET", "admin/new-service-account", "302 403 403 403 403 403 200"),
    Row("POST", "admin/new-service-account", "302 403 403 403 403 403 302", "admin/new-service-account", {"username": "bot", "owner": "runner"}),
    Row("GET POST", "admin/people/<str:name>", "302 404 404 200 404 404 200", "admin/people/robot"),
    Row("POST", "admin/people/<str:name>/switch", "302 404 404 302 404 404 302", "admin/people/robot/switch", {"disabled": "yes", "reason": "r"}),
    Row("GET", "admin/groups", "302 403 403 403 403 403 200"),
    Row("POST", "admin/groups", "302 403 403 403 403 403 302", "admin/groups", {"slug": "new", "title": "New"}),
    Row("GET", "admin/groups/<slug:slug>", "302 404 404 404 404 404 200", "admin/groups/sre"),
    Row("POST", "admin/groups/<slug:slug>", "302 404 404 404 404 404 302", "admin/groups/sre", {"user": "author", "lasts": "7d"}),
    Row("POST", "admin/groups/<slug:slug>/members/<str:name>/end", "302 404 404 404 404 404 302", "admin/groups/sre/members/runner/end"),
    Row("GET POST", "admin/deliveries", "302 200 200 200 200 200 200"),
    Row("GET POST", "admin/deliveries/<str:delivery_id>", "302 404 404 404 200 200 403", "admin/deliveries/{delivery}"),
    Row("POST", "admin/deliveries/<str:delivery_id>/replay", "302 404 404 404 302 403 302", "admin/deliveries/{delivery}/replay"),
    Row("GET", "admin/deliveries/<str:delivery_id>/replay", "405", "admin/deliveries/{delivery}/replay"),
    Row("GET POST", "notifications", "302 200"),
    Row("GET", "notifications/new", "302 200"),
    Row("POST", "notifications/new", "302 422 422 422 200 422 200", "notifications/new", ENDPOINT),
    Row("GET", E, "302 404 404 404 200 200 200", "notifications/{endpoint}"),
    Row("POST", E, "302 404 404 404 302 403 302", "notifications/{endpoint}", {"title": "New", "events": "failed"}),
    Row("POST", f"{E}/test", "302 404 404 404 302 403 302", "notifications/{endpoint}/test"),
    Row("POST", f"{E}/archive", "302 404 404 404 302 403 302", "notifications/{endpoint}/archive"),
    Row("GET", f"{E}/test", "405", "notifications/{endpoint}/test"),
    Row("GET", f"{E}/archive", "405", "notifications/{endpoint}/archive"),
    Row("POST", "me/notifications", "302 302", "me/notifications", {"pace": "daily", "requested": "never", "by_email": "on"}),
    Row("GET", "me/notifications", "405"),
    Row("GET POST", "me", "302 200 200 200 200 200 200"),
    Row("POST", "me/tokens", "302 422"),
    Row("POST", "me/tokens/<str:token_id>/revoke", "302 404 404 302 404 404 302", "me/tokens/{token}/revoke"),
    Row("GET", "access/<str:grant_id>/revoke", "405", "access/{grant}/revoke"),
    Row("GET", "admin/kill-switch", "405"),
    Row("GET", "admin/people/<str:name>/switch", "405", "admin/people/robot/switch"),
    Row("GET", "admin/groups/<slug:slug>/members/<str:name>/end", "405", "admin/groups/sre/members/runner/end"),
    Row("GET", "me/tokens", "405"),
    Row("GET", "me/tokens/<str:token_id>/revoke", "405", "me/tokens/{token}/revoke"),
]

OPEN_TO_ALL = [Row("GET POST", route, "200") for route in ("livez", "readyz", "metrics", "schemas/runbook/v1.json")]

KEY = r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$"
ACCOUNTS = [  # allauth's: one's own account and no other, so that all who are signed in get the same
    Row("GET POST PUT", "accounts/login/", "200 302"),
    Row("GET", "accounts/logout/", "302 200"),
    Row("POST", "accounts/logout/", "302"),
    Row("GET POST PUT", "accounts/reauthenticate/", "302 200"),
    Row("GET POST PUT", "accounts/password/change/", "302 200"),
    Row("GET", "accounts/2fa/", "302 200"),
    Row("GET POST", "accounts/2fa/authenticate/", "302"),
    Row("GET POST PUT", "accounts/2fa/reauthenticate/", "302"),
    Row("GET", "accounts/2fa/recovery-codes/", "302 404"),  # has none
    Row("GET", "accounts/2fa/recovery-codes/download/", "302 404"),
    Row("GET POST PUT", "accounts/2fa/recovery-codes/generate/", "302"),
    Row("GET POST PUT", "accounts/2fa/totp/activate/", "302"),
    Row("GET POST PUT", "accounts/2fa/totp/deactivate/", "302 404"),
    Row("GET", "accounts/inactive/", "200"),
    Row("GET POST", f"^accounts/({NOT_OFFERED})", "404", "accounts/signup/"),
    Row("GET POST PUT", "accounts/signup/", "404"),
    Row("GET POST PUT", "accounts/email/", "404"),
    Row("GET POST", "accounts/confirm-email/", "404"),
    Row("GET POST", r"accounts/^confirm-email/(?P<key>[-:\w]+)/$", "404", "accounts/confirm-email/nonsense/"),
    Row("GET POST PUT", "accounts/login/code/confirm/", "404"),
    Row("GET POST PUT", "accounts/password/set/", "404"),
    Row("GET POST PUT", "accounts/password/reset/", "404"),
    Row("GET", "accounts/password/reset/done/", "404"),
    Row("GET", "accounts/password/reset/key/done/", "404"),
    Row("GET POST PUT", KEY, "404", "accounts/password/reset/key/1-nonsense/"),
]
# fmt: on
PAGES = [*RUNNERS, *AUTHORS, *KEEPERS]
ALL = [*PAGES, *OPEN_TO_ALL, *ACCOUNTS]
CALLS = [(row, method) for row in ALL for method in row.method.split()]


@pytest.fixture
def full(world: World) -> dict[str, str]:
    """Version 1 published, 2 in review, 3 a draft, 4 approved; a run that ended and one that waits; the ids of it all."""
    now = timezone.now()
    runbook = world.published()
    done = world.executed(world.started(runbook))
    announced()
    second = world.drafted(script="echo second")
    submit(actor=world.actor("author"), version=second, now=now)
    world.drafted(script="echo third")
    fourth = world.drafted(script="echo fourth")
    submit(actor=world.actor("author"), version=fourth, now=now)
    review(actor=world.actor("owner"), version=fourth, verdict="approve", comment="", digest=fourth.hash, now=now)
    group = add_group(actor=world.actor("admin"), slug="sre", title="SRE", now=now)
    add_member(actor=world.actor("admin"), group=group, user=world.user("runner"), now=now)
    world.token("robot")
    world.secret()
    node = Node.objects.create(project=world.project, name="web1", host="web1")
    queued = world.started(runbook)
    awaiting = world.started(world.published("careful", policy={"approvals": {}}))
    lent = delegate(actor=world.actor("owner"), to="author", until=now + timedelta(days=1), now=now)
    take_back(actor=world.actor("owner"), delegation=lent, now=now)  # who approves here is who is meant
    later = freeze(
        actor=world.actor("owner"), place=world.project, reason="r", starts_at=now + timedelta(days=9), now=now
    )
    broken = BreakGlassReview.objects.create(run=done, by=world.user("runner"), reason="r", passed=["A freeze."])
    return {
        "awaiting": str(awaiting.pk),
        "plan": awaiting.plan_hash,
        "delegation": str(lent.pk),
        "freeze": str(later.pk),
        "broken": str(broken.pk),
        "node": str(node.pk),
        "endpoint": str(world.told_by_webhook(events=["failed"]).pk),
        "key": str(HostKey.objects.create(node=node, key=keys.KEY, seen_at=now).pk),
        "done": str(done.pk),
        "queued": str(queued.pk),
        "step": str(queued.step_runs.get().pk),
        "hash": second.hash,
        "grant": str(Grant.objects.get(user__username="runner").pk),
        "delivery": str(Delivery.objects.exclude(event="awaiting_approval").get(recipient__username="owner").pk),
        "token": str(Token.objects.get().pk),
    }


def test_each_role_gets_what_the_table_says(world: World, full: dict[str, str]) -> None:
    browsers = {role: Client() if role == "nobody" else world.browser(role) for role in ROLES}
    wrong = []
    for row, method in CALLS:
        answers = {role: _status(method, row, browser, full) for role, browser in browsers.items()}
        if answers != row.expected:
            wrong.append(f"{method} {row.route}: {' '.join(map(str, answers.values()))}, not {row.statuses}")
    assert not wrong, "\n".join(wrong)


def test_nothing_comes_of_what_nobody_asks(full: dict[str, str]) -> None:
    before = (Grant.objects.count(), Run.objects.count(), Token.objects.count())
    for row in PAGES:
        for method in row.method.split():
            assert _asked(method, row, Client(), full) in {302, 405}
    assert (Grant.objects.count(), Run.objects.count(), Token.objects.count()) == before


def test_no_act_goes_without_its_csrf_token(world: World, full: dict[str, str]) -> None:
    strict = world.browser("admin")
    strict.handler.enforce_csrf_checks = True
    assert {_status("POST", row, strict, full) for row in PAGES if "POST" in row.method} == {403}


def test_every_route_but_those_of_the_api_is_in_the_table() -> None:
    there = {(method, route) for method, route in all_routes() if not route.startswith("api/v1/")}
    assert there == set().union(*(row.routes for row in ALL))


def _status(method: str, row: Row, browser: Client, ids: dict[str, str]) -> int:
    """The status of one call, whose effects are rolled back, in the browser too."""
    kept = copy.deepcopy(browser.cookies)
    with transaction.atomic():
        status = _asked(method, row, browser, ids)
        transaction.set_rollback(True)
    browser.cookies = kept
    return status


def _asked(method: str, row: Row, browser: Client, ids: dict[str, str]) -> int:
    path = "/" + _filled(row.path or row.route, ids)
    body = {key: _filled(value, ids) for key, value in (row.body or {}).items()}
    answer = getattr(browser, method.lower())(path, **({"data": body} if method == "POST" else {}))
    return int(answer.status_code)


def _filled(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], found[0]), text)
