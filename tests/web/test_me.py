"""One's own tokens."""

import re

import pytest

from runbooks.models import Token
from runbooks.usecases.people.tokens import digest_of
from tests.web.helpers import main_text
from tests.world import Api, World

ASKED = {"name": "pipeline", "user": "author", "kind": "api", "lasts": "90d"}


def test_a_token_is_shown_once_and_works(world: World) -> None:
    browser = world.browser("author")
    answer = browser.post("/me/tokens", ASKED)
    found = re.search(r"ops_\w{20,}", answer.content.decode())
    assert found
    assert answer.headers["Cache-Control"] == "no-store"
    assert Token.objects.get().digest == digest_of(found[0])
    assert found[0].encode() not in browser.get("/me").content
    assert Api(found[0])("GET", "/me").json()["username"] == "author"


def test_a_token_may_be_limited_and_for_a_service_account(world: World) -> None:
    world.browser("author").post("/me/tokens", {**ASKED, "user": "robot", "scopes": ["view", "run"], "kind": "agent"})
    token = Token.objects.get()
    assert (token.user.username, token.scopes, token.kind) == ("robot", ["view", "run"], "agent")
    assert token.expires_at


def test_nobody_makes_a_token_for_somebody_else(world: World) -> None:
    answer = world.browser("author").post("/me/tokens", {**ASKED, "user": "owner"})
    assert answer.status_code == 422
    assert not Token.objects.exists()


@pytest.mark.parametrize("change", [{"name": ""}, {"until": "2001-01-01T00:00"}, {"scopes": ["everything"]}])
def test_a_wrong_field_makes_no_token_and_keeps_the_rest(world: World, change: dict[str, object]) -> None:
    answer = world.browser("author").post("/me/tokens", {**ASKED, "name": "kept", **change})
    assert answer.status_code == 422
    assert not Token.objects.exists()


def test_a_revoked_token_is_dead(world: World) -> None:
    client, browser = world.client("author"), world.browser("author")
    assert browser.post(f"/me/tokens/{Token.objects.get().pk}/revoke").status_code == 302
    assert client("GET", "/me").status_code == 401
    assert "revoked" in main_text(browser.get("/me"))


def test_a_token_of_somebody_else_can_not_be_named(world: World) -> None:
    client = world.client("owner")
    assert world.browser("author").post(f"/me/tokens/{Token.objects.get().pk}/revoke").status_code == 404
    assert client("GET", "/me").status_code == 200


def test_the_page_says_what_one_may_do_and_through_what(world: World) -> None:
    shown = main_text(world.browser("runner").get("/me"))
    assert "project:payments runner view, run, see_output" in shown
    assert "Nothing yet." in main_text(world.browser("stranger").get("/me"))
