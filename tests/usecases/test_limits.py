"""Limits inside a grant: enforced at the click and at the claim, by page, API and token, and counted without a race."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runbooks.access.fetch import NotAllowed
from runbooks.models import Grant, Node, Run, Runbook, TokenKind
from runbooks.usecases.grants.grant import write_grant
from runbooks.usecases.people.groups import add_member
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.decide import decision_to_start
from runbooks.usecases.runs.preview import preview
from runbooks.usecases.runs.rerun import rerun
from runbooks.usecases.runs.start import Request, start
from tests.usecases.nodes.test_fan_out import fleet
from tests.world import FakeExecutor, World

ENV = {"name": "env", "type": "choice", "choices": ["staging", "qa", "production"], "default": "staging"}
NOT_PRODUCTION = {"values": {"env": {"in": ["staging", "qa"]}}}
CEL = {"when": 'params.env != "production"'}


def lent(world: World, limits: Mapping[str, Any], place: Any = None, *, to: str = "stranger") -> Grant:
    """A grant to run with these limits, past all checks."""
    by, who, rights = world.actor("owner"), world.user(to), ["view", "run", "see_output"]
    now, where = timezone.now(), place or world.project
    return write_grant(
        by=by, principal=who, place=where, rights=rights, limits=limits, expires_at=None, reason="", now=now
    )


def book(world: World, **more: Any) -> Runbook:
    return world.published("deploy", **{"parameters": [ENV], **more})


def begun(world: World, runbook: Runbook, *, by: str = "stranger", scopes: tuple[str, ...] = (), **values: Any) -> Run:
    actor = world.actor(by, scopes=scopes)
    return start(actor=actor, runbook=runbook, request=Request(values=values), now=timezone.now())


def refusal(world: World, runbook: Runbook, **values: Any) -> str:
    with pytest.raises(NotAllowed) as refused:
        begun(world, runbook, **values)
    assert not Run.objects.filter(status="queued").exists()
    return " ".join(refused.value.reasons)


@pytest.mark.parametrize("limits", [NOT_PRODUCTION, CEL])
def test_values_are_limited_on_the_page_by_api_by_token_and_in_a_dry_run(world: World, limits: dict[str, Any]) -> None:
    runbook = book(world)
    lent(world, limits)
    body = {"runbook": "payments/deploy", "parameters": {"env": "production"}}
    for client in (
        world.client("stranger"),
        world.client("stranger", kind=TokenKind.CLI),
        world.client("stranger", scopes=["run"]),
    ):
        for more in ({}, {"dry_run": True}):
            answer = client("POST", "/runs", {**body, **more})
            assert answer.status_code == 403
            assert "Your right to run this is limited" in answer.json()["reasons"][0]
    page = world.browser("stranger").post("/runbooks/payments/deploy/run", {"p-env": "production", "key": "k"})
    assert page.status_code == 403
    assert "env" in page.content.decode()
    assert not Run.objects.exists()
    assert world.executed(begun(world, runbook, env="qa")).status == "succeeded"


def test_what_is_covered_at_the_click_and_no_longer_at_the_claim_does_not_start(world: World) -> None:
    runbook = book(world)
    grant = lent(world, {})
    run = begun(world, runbook, env="production")
    assert run.by_grant_id is None
    Grant.objects.filter(pk=grant.pk).update(revoked_at=timezone.now())
    lent(world, NOT_PRODUCTION)
    executor = FakeExecutor()
    run = world.executed(run, executor)
    assert (run.status, executor.works) == ("refused", [])
    assert 'env may be staging or qa, not "production"' in run.status_detail


def test_another_grant_that_covers_it_meanwhile_takes_the_place_of_one_that_ended(world: World) -> None:
    runbook = book(world)
    first = lent(world, NOT_PRODUCTION)
    run = begun(world, runbook, env="qa")
    assert run.by_grant_id == first.pk
    Grant.objects.filter(pk=first.pk).update(revoked_at=timezone.now())
    second = lent(world, {"per_hour": 1})
    run = world.executed(run)
    assert (run.status, run.by_grant_id) == ("succeeded", second.pk)
    assert "1 of 1 this hour" in refusal(world, runbook, env="qa")


def test_one_grant_has_to_cover_the_whole_and_each_says_why_it_does_not(world: World) -> None:
    runbook = book(world, parameters=[ENV, {"name": "host", "type": "string", "required": False}])
    lent(world, {"values": {"env": {"in": ["staging"]}}})
    lent(world, {"values": {"host": {"in": ["web1"]}}}, runbook)
    told = refusal(world, runbook, env="production", host="web2")
    assert 'by the grant of owner on project:payments is limited: env may be staging, not "production".' in told
    assert 'by the grant of owner on runbook:payments/deploy is limited: host may be web1, not "web2".' in told
    begun(world, runbook, env="production", host="web1")
    begun(world, runbook, env="staging", host="web2")


def test_a_grant_without_limits_beside_it_makes_limits_mean_nothing(world: World) -> None:
    runbook = book(world)
    lent(world, NOT_PRODUCTION)
    lent(world, {})
    assert begun(world, runbook, env="production").by_grant_id is None


def test_nodes_are_limited_in_kind_and_number_for_a_start_as_a_whole(world: World) -> None:
    nodes = fleet(world, "web1", "web2", "web3")
    Node.objects.filter(pk__in=[node.pk for node in nodes[:2]]).update(attributes={"env": "staging"})
    world.give("stranger", world.project, "use")
    runbook = world.published("fleet", targets={"select": "web"})
    lent(world, {"max_nodes": 2})
    lent(world, {"nodes": "env=staging", "max_nodes": 1})
    assert "at most 2 of the nodes at a time, and these are 3" in refusal(world, runbook)
    actor = world.actor("stranger")
    two = Request(values={}, targets=("web2", "web3"))
    assert len(preview(actor=actor, runbook=runbook, request=two, now=timezone.now()).targets) == 2
    start(actor=actor, runbook=runbook, request=two, now=timezone.now())


def test_a_count_says_how_many_there_were_and_a_run_that_never_started_is_not_one_of_them(world: World) -> None:
    runbook = book(world)
    lent(world, {"per_hour": 2})
    world.executed(begun(world, runbook))
    second = begun(world, runbook)
    again = world.client("stranger")("POST", "/runs", {"runbook": "payments/deploy"})
    assert again.status_code == 403
    assert "2 of 2 this hour; the next at " in again.json()["reasons"][0]
    assert not decision_to_start(actor=world.actor("stranger"), runbook=runbook, now=timezone.now())
    cancel(actor=world.actor("stranger"), run=second, now=timezone.now())
    third = begun(world, runbook)
    assert world.executed(third).status == "succeeded"
    Run.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    begun(world, runbook)


def test_a_run_again_counts_and_is_checked_as_any_other(world: World) -> None:
    runbook = book(world)
    lent(world, {"per_day": 1})
    run = world.executed(begun(world, runbook))
    with pytest.raises(NotAllowed, match="1 of 1 this day"):
        rerun(actor=world.actor("stranger"), run=run, same_version=True, now=timezone.now())


def test_a_count_that_was_gone_round_in_the_database_is_seen_at_the_claim(world: World) -> None:
    runbook = book(world)
    grant = lent(world, {"per_hour": 1})
    first = begun(world, runbook)
    Run.objects.filter(pk=first.pk).update(by_grant=None)
    second = begun(world, runbook)
    Run.objects.filter(pk=first.pk).update(by_grant=grant)
    assert world.executed(first).status == "succeeded"
    assert "1 of 1 this hour" in world.executed(second).status_detail


def test_hours_and_triggers_are_limited(world: World) -> None:
    runbook = book(world)
    now = timezone.now()
    today = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[now.weekday()]
    others = [day for day in ("mon", "wed", "fri") if day != today]
    lent(world, {"hours": {"days": others}, "triggers": ["cli"]})
    told = refusal(world, runbook)
    assert "only by cli, and this comes by ui" in told
    assert "; the next time is " in told
    page = world.browser("stranger").get("/runbooks/payments/deploy/run")
    assert page.status_code == 403
    lent(world, {"hours": {}, "triggers": ["api"]})
    assert world.client("stranger")("POST", "/runs", {"runbook": "payments/deploy"}).status_code == 202
    assert world.browser("stranger").get("/runbooks/payments/deploy/run").status_code == 403


def test_who_holds_the_right_without_limits_pays_no_query_for_them(world: World) -> None:
    runbook = book(world)
    begun(world, runbook, by="runner")  # what is prepared once is prepared
    with CaptureQueriesContext(
        connection,
    ) as free:
        begun(world, runbook, by="runner")
    assert not [query["sql"] for query in free if "limits" in query["sql"] and "CASE WHEN" not in query["sql"]]
    lent(world, {"per_hour": 9})
    begun(world, runbook)
    with CaptureQueriesContext(connection) as limited:
        begun(world, runbook)
    assert len(limited) > len(free)


def test_the_check_explains_limits_and_values(world: World) -> None:
    book(world)
    lent(world, {**NOT_PRODUCTION, "per_hour": 3})
    asked = {"action": "run", "object": "runbook:payments/deploy"}
    stranger = world.client("stranger")
    answer = stranger("POST", "/authz/check", asked).json()
    assert answer["allowed"] is True
    assert answer["limits"] == ["By the grant of owner on project:payments: env only staging or qa; at most 3 an hour."]
    answer = stranger("POST", "/authz/check", {**asked, "parameters": {"env": "production"}}).json()
    assert (answer["allowed"], len(answer["reasons"])) == (False, 1)
    other = world.client("owner")("POST", "/authz/check", {**asked, "as": "stranger", "parameters": {"env": "qa"}})
    assert other.json()["allowed"] is True


def test_limits_are_handed_on_as_strict_as_they_are_held_also_by_way_of_a_group(world: World) -> None:
    group = world.group_of(slug="qa")
    runbook = book(world)
    lent(world, {**NOT_PRODUCTION, "per_hour": 3}, runbook)
    world.give("stranger", runbook, "grant")
    stranger = world.client("stranger")
    body = {"principal": "group:qa", "object": "runbook:payments/deploy", "rights": ["run"]}
    wider = stranger("POST", "/grants", {**body, "limits": NOT_PRODUCTION})
    assert wider.status_code == 403
    assert "runs an hour (at most 3)" in wider.json()["reasons"][0]
    made = stranger("POST", "/grants", {**body, "limits": {**NOT_PRODUCTION, "per_hour": 2}})
    assert made.status_code == 201
    assert made.json()["limited_to"] == "env only staging or qa; at most 2 an hour"
    world.give("stranger", world.project, "view")
    add_member(actor=world.actor("admin"), group=group, user=world.user("author"), now=timezone.now())


def test_who_holds_a_right_with_limits_and_to_a_day_hands_it_on_to_that_day_at_most(world: World) -> None:
    book(world)
    grant = lent(world, {"per_hour": 3})
    day = timezone.now() + timedelta(days=3)
    Grant.objects.filter(pk=grant.pk).update(expires_at=day)
    world.give("stranger", world.project, "grant")
    body = {"principal": "user:author", "object": "project:payments", "rights": ["run"], "limits": {"per_hour": 3}}
    assert "the end (yours is " in world.client("stranger")("POST", "/grants", body).json()["reasons"][0]
    body["expires_at"] = (day - timedelta(hours=1)).isoformat()
    assert world.client("stranger")("POST", "/grants", body).status_code == 201
