"""Whoever runs an older version does not get round what the published one demands."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runbooks.access.fetch import NotAllowed
from runbooks.domain.problems import Invalid
from runbooks.models import ApprovalRequest, Run, Runbook
from runbooks.usecases.guardrails.freeze import freeze
from runbooks.usecases.runs.rerun import rerun
from runbooks.usecases.runs.start import Request, start
from tests.usecases.test_approvals import say
from tests.usecases.test_runbook_steps import again, calling, child_of, gone_on, outer
from tests.world import World

RULE: dict[str, Any] = {"approvals": {"from": ["user:owner2"]}}


def two_versions(world: World, older: dict[str, Any] | None = None, **policy: Any) -> Runbook:
    """The published one has this policy; the first one OLDER, or none."""
    world.published("inner", **({"policy": older} if older else {}))
    return world.published("inner", script="echo newer", policy=policy)


def first_one(world: World, runbook: Runbook, reason: str = "", **more: Any) -> Run:
    """Of the first version, by somebody who may choose it."""
    wanted = Request(values={}, number=1, reason=reason, **more)
    return start(actor=world.actor("owner"), runbook=runbook, request=wanted, now=timezone.now())


def stages_of(run: Run) -> list[list[str]]:
    return [stage["from"] for stage in ApprovalRequest.objects.get(run=run).stages]


def test_a_step_that_pins_an_older_version_waits_for_the_approval_that_the_published_one_asks_for(world: World) -> None:
    two_versions(world, **RULE)
    run = world.started(outer(world, calling(version=1)))
    assert gone_on(world).ran == []
    child = child_of(run)
    assert (child.status, child.version.number, stages_of(child)) == ("awaiting_approval", 1, [["user:owner2"]])
    say(world, child, "owner2")
    assert gone_on(world).ran == ["main"]
    assert again(run).status == "succeeded"


def test_a_pinned_step_keeps_to_the_rate_of_the_published_version(world: World) -> None:
    two_versions(world, rates=[{"most": 1, "per": "1h"}])
    book = outer(world, calling(version=1))
    first, second = world.started(book), world.started(book)
    gone_on(world)
    assert [again(run).status for run in (first, second)] == ["succeeded", "failed"]
    assert "1 of 1 runs of this runbook" in second.step_runs.get().detail


def test_an_older_version_asked_for_by_its_number_or_by_a_rerun_waits_too(world: World) -> None:
    world.published("inner")
    book = Runbook.objects.select_related("project").get(slug="inner")
    done = world.executed(world.started(book, by="owner"))
    two = world.approved("inner", script="echo newer", policy=RULE)
    world.client("owner")("POST", f"/runbooks/{book.path}/versions/{two.number}/publish")
    assert first_one(world, book).status == "awaiting_approval"
    like_it = rerun(actor=world.actor("owner"), run=again(done), same_version=True, now=timezone.now())
    assert (like_it.version.number, like_it.status) == (1, "awaiting_approval")


def test_the_rules_of_both_are_asked_one_after_the_other_and_what_both_have_once(world: World) -> None:
    book = two_versions(
        world,
        {"approvals": {"stages": [{"from": ["user:auditor"]}, {"from": ["user:owner2"]}], "expires": "1h"}},
        **RULE,
    )
    run = first_one(world, book)
    assert stages_of(run) == [["user:owner2"], ["user:auditor"]]
    assert run.expires_at <= timezone.now() + timedelta(hours=1)
    assert say(world, run, "owner2").status == "awaiting_approval"
    assert say(world, run, "auditor").status == "queued"
    assert world.executed(run).status == "succeeded"


@pytest.mark.parametrize(
    ("older", "policy", "short", "enough"),
    [
        (None, {"reason": "required"}, "", "Why not"),
        (None, {"ticket": "OPS-[0-9]+"}, "Why not", "OPS-1"),
        ({"ticket": "INC-[0-9]+"}, {"ticket": "OPS-[0-9]+"}, "INC-1", "INC-1, OPS-1"),
        ({"ticket": "INC-[0-9]+"}, {"ticket": "OPS-[0-9]+"}, "OPS-1", "INC-1, OPS-1"),
    ],
)
def test_it_has_the_reason_and_the_tickets_of_both(
    world: World, older: dict[str, Any] | None, policy: dict[str, Any], short: str, enough: str
) -> None:
    book = two_versions(world, older, **policy)
    with pytest.raises(Invalid):
        first_one(world, book, short)
    assert first_one(world, book, enough).status == "queued"


def test_a_risk_that_became_high_asks_for_a_reason_of_the_older_one_too(world: World) -> None:
    world.published("inner")
    book = world.published("inner", risk="high")
    with pytest.raises(Invalid, match="high risk"):
        first_one(world, book)


def test_the_glass_is_broken_only_by_whom_both_name(world: World) -> None:
    book = two_versions(
        world, {"break_glass": {"allow": ["user:owner", "user:owner2"]}}, break_glass={"allow": ["user:owner2"]}
    )
    freeze(actor=world.actor("admin"), place=book, reason="Christmas", now=timezone.now())
    with pytest.raises(NotAllowed, match="only user:owner2 may"):
        first_one(world, Runbook.objects.get(pk=book.pk), "It burns", breaks_glass=True, proven=True)


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (RULE, "Nobody has approved this run"),
        ({"ticket": "OPS-[0-9]+"}, "asks for a ticket"),
    ],
)
def test_what_is_demanded_between_click_and_claim_refuses_the_run(
    world: World, policy: dict[str, Any], why: str
) -> None:
    run = world.started(world.published("inner"))
    world.published("inner", script="echo newer", policy=policy)
    ended = world.executed(run)
    assert ended.status == "refused"
    assert why in ended.status_detail


def test_the_published_version_is_not_looked_up_for_itself(world: World) -> None:
    book = world.published("inner", policy={"reason": "required"})

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            wanted = Request(values={}, reason="Now")
            world.executed(start(actor=world.actor("owner"), runbook=book, request=wanted, now=timezone.now()))
        return len([one for one in seen.captured_queries if "'published'" in one["sql"] or '"state" =' in one["sql"]])

    queries()
    assert queries() == 1
