"""Whatever comes in, the answer is a problem document that says what is wrong: never a broken server."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.test import Client

from tests.world import PASSWORD, PROJECT, World, definition

LONG = "9" * 5000
MOMENTS = ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "2026-13-01T00:00:00Z", "today")
TEXTS = ("%00", "%ff", "%ED%A0%80", LONG, "%F0%9F%92%A9", "%25", "..%2f", *MOMENTS)
# Base64 of: a number past 64 bits, "-1", (no ASCII), zeros, (only padding), an id, "²", 1.
CURSORS = ["OTk5OTk5OTk5OTk5OTk5OTk5OQ", "LTE", "é", "AAAA", "====", "MDAwMDAwMDAtMDAwMC0wMDAw", "wrI", "MQ"]
LISTS = (
    "projects users service-accounts groups groups/oncall/members tokens grants runbooks runs audit/events "
    f"runbooks/{PROJECT}/hello/versions"
).split()
PLACES = (
    "runbooks?q={} runbooks?project={} runbooks?tag={} runbooks?alert={} runs?runbook={} runs?status={} "
    "runs?requested_by={} audit/events?object={} audit/events?actor={} audit/events?q={} audit/events?action={} "
    "audit/events?from={} audit/events?to={} runs/{} runs/{}/log users/{} tokens/{} grants/{} "
    "groups/oncall/members/{} projects/{} nothing/{} runs/RUN/log?step={} runs/RUN/log?node={} runs/RUN/log?q={} "
    f"runbooks/{PROJECT}/hello/versions/{{}} schema?format={{}} schema?version={{}} schema?lang={{}}"
).split()


def _is_sound(answer: Any) -> bool:
    """No break, and where it is a refusal, a problem document."""
    if answer.status_code < 400:
        return True
    print(answer.request["PATH_INFO"], answer.request["QUERY_STRING"], answer.headers, answer.content[:200])
    is_problem = answer.headers["Content-Type"] == "application/problem+json"
    return bool(is_problem and answer.status_code < 500 and answer.json()["status"] == answer.status_code)


@pytest.fixture
def keeper(world: World) -> World:
    """A world whose administrator may do everything but widen their own rights."""
    world.group_of("runner")
    world.give("admin", world.project, "view", "run", "see_output", "edit", "review", "audit")
    return world


def _unsound(world: World, paths: Iterable[str]) -> list[str]:
    call = world.client("admin")
    return [path for path in paths if not _is_sound(call("GET", path))]


def test_lists_refuse_cursors_and_limits_that_are_none(keeper: World) -> None:
    keeper.published()
    bad = [*(f"cursor={cursor}" for cursor in CURSORS), *(f"limit={limit}" for limit in (LONG, "0", "-1", "²", "201"))]
    assert _unsound(keeper, (f"/{path}?{query}" for path in LISTS for query in bad)) == []


def test_no_text_in_an_address_breaks_anything(keeper: World) -> None:
    run = str(keeper.started().pk)
    assert _unsound(keeper, (f"/{place.replace('RUN', run).format(text)}" for place in PLACES for text in TEXTS)) == []


def test_no_range_breaks_the_log(keeper: World) -> None:
    run = keeper.executed(keeper.started())
    call = keeper.client("admin")
    for wanted, status in [(f"bytes={LONG}-", 200), (f"bytes=-{LONG}", 200), ("bytes=²-", 200), ("bytes=0-1", 206)]:
        assert call("GET", f"/runs/{run.pk}/log", headers={"Range": wanted}).status_code == status


@pytest.mark.parametrize("path", ["/", "/runs", "/audit", "/access", "/admin/people", "/admin/deliveries", "/palette"])
def test_pages_refuse_nul_in_their_address(keeper: World, path: str) -> None:
    answer = keeper.browser("admin").get(f"{path}?q=%00&principal=%00&runbook=%00&actor=%00&cursor=%00")
    assert answer.status_code == 400
    assert "NUL" in answer.content.decode()


def test_nul_in_a_cookie_is_refused(db: None) -> None:
    for path in ("/", "/api/v1/me"):
        answer = Client(headers={"Cookie": 'opsaas_session="abcdefghijkl\\000"'}).get(path)
        assert answer.status_code == 400


def test_nul_in_a_form_is_refused(keeper: World) -> None:
    run = keeper.started()
    browser = keeper.browser("admin")
    acts = {
        "/admin/people/runner/switch": {"disabled": "yes", "reason": "\0"},
        f"/runs/{run.pk}/rerun": {"key": "\0"},
        f"/runbooks/{PROJECT}/hello/run": {"reason": "\0", "key": "x"},
    }
    assert {path: browser.post(path, data).status_code for path, data in acts.items()} == dict.fromkeys(acts, 400)
    assert browser.post(f"/runbooks/{PROJECT}/hello/edit", {"text": "\0"}).status_code == 422


def test_nul_and_surrogates_in_a_body_are_refused_by_their_place(keeper: World) -> None:
    call = keeper.client("admin")
    for bad in (r"\u0000", r"\ud800"):
        answer = call(
            "POST", "/projects", content_type="application/json", data=f'{{"slug": "new", "title": "a{bad}"}}'
        )
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/title"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/projects", {"slug": "ü", "title": "x"}),
        ("/users", {"username": "x" * 70, "password": "short"}),
        ("/users", {"username": "newcomer", "email": "no-address"}),
        ("/users", {"username": "newcomer", "full_name": "x" * 300}),
        ("/service-accounts", {"username": "bot", "owner": "nobody"}),
        ("/groups/oncall/members", {"user": "runner", "ends_at": "0001-01-01T00:00:00+14:00"}),
        ("/grants", {"principal": "user:runner", "object": f"project:{PROJECT}", "rights": ["fly"]}),
        ("/grants", {"principal": "user:runner", "object": "runbook:a/b/c", "rights": ["run"]}),
        ("/grants", {"principal": "user:runner", "object": "installation", "rights": ["run"], "expires_at": LONG}),
        ("/tokens", {"name": "x" * 200}),
        ("/tokens", {"name": "x", "expires_at": "9999-12-31T23:59:59-14:00"}),
        ("/tokens", {"name": "x", "scopes": [["run"]]}),
        ("/authz/check", {"action": "fly", "object": "installation"}),
        ("/runs", {"runbook": "no-slash"}),
        ("/runs", {"runbook": f"{PROJECT}/hello", "version": 2**63}),
        ("/runs", {"runbook": f"{PROJECT}/hello", "version": 0}),
        ("/runs", {"runbook": f"{PROJECT}/hello", "version": True}),
        ("/runs", {"runbook": f"{PROJECT}/hello", "parameters": []}),
        ("/runs", {"runbook": f"{PROJECT}/hello", "parameters": {"unknown": 1}}),
        ("/runs", {"runbook": f"{PROJECT}/hello", "dry_run": "perhaps"}),
        ("/runs", {"runbook": f"{PROJECT}/hello", "reason": "x" * 3000}),
        (f"/runbooks/{PROJECT}/hello/versions/1/review", {"verdict": "perhaps", "hash": "x"}),
    ],
)
def test_fields_out_of_their_range_are_refused_by_their_place(keeper: World, path: str, body: object) -> None:
    keeper.published()
    answer = keeper.client("admin")("POST", path, body)
    assert answer.status_code == 400
    assert all(error["pointer"].startswith("/") for error in answer.json()["errors"])
    assert answer.json()["errors"]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "9" * 30, LONG, "9007199254740993", "-0.0"])
def test_no_number_breaks_a_draft_or_a_run(keeper: World, number: str) -> None:
    parameter = {"name": "n", "type": "number", "default": 1}
    runbook = keeper.published(parameters=[parameter, {"name": "i", "type": "integer", "default": 1}])
    call = keeper.client("admin")
    for name in "ni":
        text = f'{{"runbook": "{runbook.path}", "parameters": {{"{name}": {number}}}}}'
        assert _is_sound(call("POST", "/runs", content_type="application/json", data=text))
    text = str(definition(parameters=[{**parameter, "default": 12345}])).replace("'", '"').replace("12345", number)
    assert _is_sound(call("PUT", f"/runbooks/{PROJECT}/hello/draft", content_type="application/json", data=text))


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/xml", "x"],
)
def test_another_kind_of_body_is_415(keeper: World, kind: str) -> None:
    answer = keeper.client("admin")("POST", "/projects", content_type=kind, data='{"slug": "new", "title": "New"}')
    assert answer.status_code == 415
    assert _is_sound(answer)


def test_the_name_of_a_kind_is_the_same_in_capitals(keeper: World) -> None:
    body = '{"slug": "new", "title": "New"}'
    assert keeper.client("admin")("POST", "/projects", content_type="Application/JSON", data=body).status_code == 201


@pytest.mark.parametrize("more", [{}, {"headers": {"Idempotency-Key": "k"}}])
def test_a_body_over_the_limit_is_413(keeper: World, more: dict[str, Any]) -> None:
    body = b'{"slug": "new", "title": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    answer = keeper.client("admin")("POST", "/projects", content_type="application/json", data=body, **more)
    assert answer.status_code == 413
    assert _is_sound(answer)


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "", "nul", "[]", '"x"', "1", "null", "\xff"])
def test_what_is_no_object_is_refused(keeper: World, body: str) -> None:
    answer = keeper.client("admin")("POST", "/projects", content_type="application/json", data=body.encode("latin-1"))
    assert answer.status_code == 400
    assert _is_sound(answer)


def test_methods_that_an_address_does_not_take_are_problem_documents(keeper: World) -> None:
    client = Client(headers={"Authorization": f"Bearer {keeper.token('admin')}"})
    for method, path, status in [
        ("DELETE", "/me", 405),
        ("TRACE", "/me", 405),
        ("OPTIONS", "/me", 200),
        ("HEAD", "/me", 200),
        ("HEAD", "/runs/x", 404),
        ("PROPFIND", "/me", 405),
        ("GET", "/" + "x" * 9000, 404),
    ]:
        answer = client.generic(method, f"/api/v1{path}")
        assert (method, answer.status_code) == (method, status)
        assert method == "HEAD" or _is_sound(answer)


def test_a_host_that_is_not_ours_is_refused_without_a_page_of_the_framework(db: None) -> None:
    answer = Client(headers={"Host": "evil.example"}).get("/api/v1/me")
    assert answer.status_code == 400
    assert _is_sound(answer)
    assert Client(headers={"Host": "evil.example"}).get("/accounts/login/").status_code == 400


def test_a_sign_in_form_takes_any_text(world: World) -> None:
    for name in ("\0", "x" * 10_000, "\ud83d"):
        answer = Client().post(
            "/accounts/login/", {"login": name.encode("utf-8", "replace").decode(), "password": PASSWORD}
        )
        assert answer.status_code in {200, 400}
