"""Nobody widens their own rights: not by a grant, a group, a service account, a token, or another's account."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runbooks.access.fetch import NotAllowed, installation
from runbooks.access.held import Place
from runbooks.access.rights import rights_on
from runbooks.domain.problems import Invalid
from runbooks.models import Grant, Group, Token, TokenKind, User
from runbooks.queries.grants import grants
from runbooks.usecases.grants.grant import grant
from runbooks.usecases.grants.revoke import revoke
from runbooks.usecases.people.accounts import disable, enable
from runbooks.usecases.people.groups import add_member
from runbooks.usecases.people.tokens import issue, recognise, revoke_token
from runbooks.usecases.runs.cancel import cancel
from tests.world import World

NOW = timezone.now


def _grant(world: World, by: str, to: User | Group, place: Place, *rights: str) -> Grant:
    return grant(actor=world.actor(by), principal=to, place=place, rights=rights, now=NOW())


@pytest.mark.parametrize("by", ["admin", "owner"])
def test_nobody_grants_to_themselves_to_their_groups_or_to_their_service_accounts(world: World, by: str) -> None:
    bot = User.objects.create(username="bot", kind="service", owner=world.user(by))
    other = User.objects.create(username="bot2", kind="service", owner=world.user(by))
    for to in (world.user(by), bot, world.group_of(by), world.group_of("bot", slug="bots")):
        with pytest.raises(NotAllowed, match="Nobody widens"):
            _grant(world, by, to, world.project, "run")
    world.give("bot", world.project, "view", "run", "grant")
    for to in (world.user(by), other, Group.objects.get(slug="oncall")):
        with pytest.raises(NotAllowed, match="Nobody widens"):
            _grant(world, "bot", to, world.project, "run")


def test_an_administrator_puts_neither_themselves_nor_their_accounts_into_a_group(world: World) -> None:
    bot = User.objects.create(username="bot", kind="service", owner=world.user("admin"))
    group = world.group_of("runner")
    for user in (world.user("admin"), bot):
        with pytest.raises(NotAllowed, match="Nobody widens"):
            add_member(actor=world.actor("admin"), group=group, user=user, now=NOW())


def test_one_hands_out_only_what_one_holds_there(world: World) -> None:
    runbook, stranger = world.published(), world.user("stranger")
    world.give("runner", runbook, "grant", "run")
    _grant(world, "runner", stranger, runbook, "run")
    beyond: list[tuple[Place, str]] = [(runbook, "edit"), (runbook, "administer"), (world.project, "run")]
    for place, right in beyond:
        with pytest.raises(NotAllowed):
            _grant(world, "runner", stranger, place, right)
    with pytest.raises(NotAllowed):
        _grant(world, "runner", stranger, installation(), "view")


def test_the_right_to_grant_ends_with_its_grant(world: World) -> None:
    world.give("runner", world.project, "grant", expires_at=NOW() + timedelta(hours=1))
    _grant(world, "runner", world.user("stranger"), world.project, "run")
    Grant.objects.filter(user__username="runner", rights=["grant"]).update(expires_at=NOW())
    with pytest.raises(NotAllowed):
        _grant(world, "runner", world.user("stranger"), world.project, "view")


def test_a_grant_is_revoked_only_by_who_may_grant_on_its_own_object(world: World) -> None:
    runbook = world.published()
    world.give("runner", runbook, "grant")
    on_project = Grant.objects.get(user__username="auditor")
    for name in ("runner", "auditor", "author"):
        with pytest.raises(NotAllowed):
            revoke(actor=world.actor(name), grant=on_project, now=NOW())
    revoke(actor=world.actor("owner"), grant=on_project, now=NOW())


def test_an_administrator_makes_no_token_for_anybody_elses_account(world: World) -> None:
    """With it they would review, run and grant as that person."""
    for name in ("owner", "robot"):
        with pytest.raises(NotAllowed, match="acts as its account"):
            issue(by=world.actor("admin"), user=world.user(name), name="x", now=NOW())
    assert world.client("admin")("POST", "/tokens", {"name": "x", "user": "owner"}).status_code == 403
    assert world.client("author")("POST", "/tokens", {"name": "x", "user": "robot"}).status_code == 201
    assert world.client("author")("POST", "/tokens", {"name": "x", "user": "owner"}).status_code == 404


def test_a_limited_token_makes_no_wider_one(world: World) -> None:
    by = world.actor("owner", scopes=("run",))
    with pytest.raises(Invalid, match="limited to run"):
        issue(by=by, user=by.user, name="x", scopes=["review"], now=NOW())
    assert issue(by=by, user=by.user, name="x", now=NOW())[0].scopes == ["run"]
    assert issue(by=by, user=by.user, name="x", scopes=["view"], now=NOW())[0].scopes == ["view"]


def test_a_token_makes_none_that_lives_longer(world: World) -> None:
    by = world.actor("owner", by="token")
    assert by.token
    by.token.expires_at = end = NOW() + timedelta(hours=1)
    assert issue(by=by, user=by.user, name="x", now=NOW())[0].expires_at == end
    with pytest.raises(Invalid, match="expires before"):
        issue(by=by, user=by.user, name="x", expires_at=end + timedelta(days=1), now=NOW())


def test_an_agents_token_makes_no_token_that_passes_for_a_persons(world: World) -> None:
    """What triggered a run is read from the kind of its token."""
    call = world.client("owner", kind=TokenKind.AGENT)
    assert call("POST", "/tokens", {"name": "x", "kind": "cli"}).json()["errors"][0]["pointer"] == "/kind"
    assert call("POST", "/tokens", {"name": "x", "kind": "agent"}).status_code == 201


def test_a_token_that_may_only_look_stops_nothing(world: World) -> None:
    run = world.started()
    with pytest.raises(NotAllowed):
        cancel(actor=world.actor("runner", scopes=("view",)), run=run, now=NOW())
    with pytest.raises(NotAllowed):
        disable(actor=world.actor("author", scopes=("view",)), account=world.user("robot"), now=NOW())


def test_tokens_of_a_person_and_of_their_service_accounts_stay_dead_when_the_person_comes_back(world: World) -> None:
    texts = [world.token("author"), world.token("robot")]
    admin = world.actor("admin")
    disable(actor=admin, account=world.user("author"), now=NOW())
    assert [recognise(text=text, now=NOW()) for text in texts] == [None, None]
    enable(actor=admin, account=world.user("author"), now=NOW())
    assert [recognise(text=text, now=NOW()) for text in texts] == [None, None]


def test_an_owner_stops_their_service_account_but_only_an_administrator_lets_it_act_again(world: World) -> None:
    disable(actor=world.actor("author"), account=world.user("robot"), now=NOW())
    with pytest.raises(NotAllowed):
        enable(actor=world.actor("author"), account=world.user("robot"), now=NOW())
    enable(actor=world.actor("admin"), account=world.user("robot"), now=NOW())
    with pytest.raises(NotAllowed):
        disable(actor=world.actor("admin"), account=world.user("admin"), now=NOW())


def test_a_token_is_only_good_whole_alive_and_in_its_header(world: World) -> None:
    text = world.token("runner")
    assert recognise(text=text, now=NOW())
    wrong_end = "0" if text[-1] != "0" else "1"
    for bad in (text[:-1], text[:-1] + wrong_end, text.upper(), f"{text}\n", f" {text}", "ops_", "", "é" + text):
        assert recognise(text=bad, now=NOW()) is None
    nobody = world.client(None)
    assert nobody("GET", f"/me?token={text}&access_token={text}&Authorization=Bearer%20{text}").status_code == 401
    token = Token.objects.get(user__username="runner")
    assert text not in str(vars(token))
    revoke_token(actor=world.actor("runner"), token=token, now=NOW())
    assert recognise(text=text, now=NOW()) is None
    assert recognise(text=world.token("runner", expires_at=NOW() + timedelta(1)), now=NOW() + timedelta(2)) is None


def test_what_a_group_held_before_one_came_stays_hidden(world: World) -> None:
    runbook = world.published()
    group = world.group_of("stranger")
    world.give(group, runbook, "run")
    stranger = world.actor("stranger")
    assert grants(actor=stranger, now=NOW()).count() == 1
    Grant.objects.filter(group=group).update(revoked_at=NOW())
    assert rights_on(actor=stranger, place=runbook, now=NOW()) == set()
    assert grants(actor=stranger, now=NOW()).count() == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time")
def test_of_two_grants_or_two_additions_at_once_the_second_waits_for_the_first(world: World) -> None:
    group = world.group_of(slug="night")
    with CaptureQueriesContext(connection) as asked:
        _grant(world, "owner", world.user("stranger"), world.project, "run")
        add_member(actor=world.actor("admin"), group=group, user=world.user("stranger"), now=NOW())
    locks = [query["sql"] for query in asked if "FOR NO KEY UPDATE" in query["sql"]]
    assert ["runbooks_user" in locks[0], "runbooks_group" in locks[1]] == [True, True]


def test_nobody_revokes_a_token_of_somebody_else(world: World) -> None:
    world.token("runner")
    token = Token.objects.get(user__username="runner")
    assert world.client("owner")("DELETE", f"/tokens/{token.pk}").status_code == 404
    with pytest.raises(NotAllowed):
        revoke_token(actor=world.actor("owner"), token=token, now=NOW())
