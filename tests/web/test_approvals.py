"""The inbox, the verdict on the page of a run, and what the form says beforehand."""

import html
import re
from datetime import timedelta
from typing import Any

from django.utils import timezone

from runbooks.domain.states import RunStatus
from runbooks.models import Delegation, Membership, Run, Runbook
from runbooks.usecases.versions.publish import publish
from tests.usecases.test_approvals import ENV, PRODUCTION, SRE, asked, book, say
from tests.world import World


def seen(world: World, name: str, path: str) -> str:
    answer = world.browser(name).get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", answer.content.decode())))


def verdict(world: World, run: Run, name: str, verdict: str, comment: str = "", **more: Any) -> Any:
    body = {"verdict": verdict, "comment": comment, "plan_hash": run.plan_hash, **more}
    answer = world.browser(name).post(f"/runs/{run.pk}/approval", body)
    run.refresh_from_db()
    return answer


def test_the_inbox_shows_who_asks_why_with_what_and_since_when(world: World) -> None:
    run = asked(world)
    page = seen(world, "owner", "/approvals")
    assert "Waiting for you 1" in page
    for words in ("Runner in the browser", "No reason was given.", PRODUCTION, "env = production", "never run before"):
        assert words in page
    assert run.plan_hash[:19] in page
    assert "1 approval of group:sre (owner, owner2)" in page


def test_who_asked_sees_that_it_waits_and_gets_no_button(world: World) -> None:
    run = asked(world)
    answer = world.browser("runner").get("/approvals").content.decode()
    assert "Asked for by you" in answer
    assert f"/runs/{run.pk}/approval" not in answer
    page = seen(world, "runner", f"/runs/{run.pk}")
    assert "You asked for this run: somebody else has to approve it" in page


def test_the_navigation_counts_what_waits_for_me_and_for_nobody_else(world: World) -> None:
    asked(world)
    assert "(1 waits for you)" in seen(world, "owner", "/runs")
    assert "waits for you)" not in seen(world, "runner", "/runs")


def test_a_yes_from_the_inbox_goes_back_there(world: World) -> None:
    run = asked(world)
    answer = verdict(world, run, "owner", "approve", inbox="1")
    assert (answer.status_code, answer["Location"]) == (302, "/approvals")
    assert run.status == RunStatus.QUEUED


def test_a_no_from_the_page_of_the_run_says_why_to_everybody(world: World) -> None:
    run = asked(world)
    answer = verdict(world, run, "owner", "reject", "Not during the <b>sale</b>")
    assert answer["Location"] == f"/runs/{run.pk}"
    page = world.browser("runner").get(f"/runs/{run.pk}").content.decode()
    assert "Denied by owner: Not during the &lt;b&gt;sale" in page


def test_a_no_without_its_reason_is_asked_for_it(world: World) -> None:
    run = asked(world)
    browser = world.browser("owner")
    body = {"verdict": "reject", "plan_hash": run.plan_hash}
    answer = browser.post(f"/runs/{run.pk}/approval", body, follow=True)
    assert "Say why not" in answer.content.decode()
    run.refresh_from_db()
    assert run.status == RunStatus.AWAITING_APPROVAL


def test_a_stale_one_says_so_and_can_only_be_denied(world: World) -> None:
    run = asked(world)
    publish(actor=world.actor("owner"), version=world.approved("deploy", script="echo new"), now=timezone.now())
    page = world.browser("owner").get("/approvals").content.decode()
    assert "nobody can approve it any more" in page
    assert "Another version was published" in page
    assert 'value="approve"' not in page
    assert 'value="reject"' in page
    assert verdict(world, run, "owner", "approve").status_code == 302
    assert run.status == RunStatus.AWAITING_APPROVAL


def test_what_changed_since_the_last_run_is_shown(world: World) -> None:
    runbook = book(world)
    world.group_of("owner", slug="sre")
    world.executed(world.started(runbook, {"env": "staging"}))
    rule = {"when": PRODUCTION, "from": SRE}
    other = world.approved("deploy", script="echo other", parameters=[ENV], policy={"approvals": rule})
    publish(actor=world.actor("owner"), version=other, now=timezone.now())
    asked(world, Runbook.objects.select_related("project").get(pk=runbook.pk))
    page = seen(world, "owner", "/approvals")
    assert "env staging → production" in page
    assert "version 1 → 2, +1 −1 lines" in page
    assert "echo other" in page


def test_the_page_of_a_run_names_who_approved_and_whose_yes_counts_no_more(world: World) -> None:
    run = say(world, asked(world, count=2), "owner", comment="Fine by me")
    page = seen(world, "owner2", f"/runs/{run.pk}")
    assert "owner approved" in page
    assert "Fine by me" in page
    assert "2 approvals of group:sre, 1 more" in page
    Membership.objects.filter(user=world.user("owner")).update(ends_at=timezone.now())
    assert "It counts no more: owner is none of those" in seen(world, "owner2", f"/runs/{run.pk}")


def test_what_is_over_is_under_past(world: World) -> None:
    run = asked(world)
    say(world, run, "owner", "reject", "Not now")
    assert "owner denied: “Not now”" in seen(world, "runner", "/approvals/past")
    assert "Nothing waits" in seen(world, "runner", "/approvals")


def test_the_form_says_beforehand_that_approval_is_needed_and_from_whom(world: World) -> None:
    world.group_of("owner", "runner", slug="sre")
    runbook = book(world)
    preview = f"/runbooks/{runbook.path}/run/preview"
    browser = world.browser("runner")
    assert f"where {PRODUCTION}" in html.unescape(browser.get(f"/runbooks/{runbook.path}/run").content.decode())
    needed = browser.post(preview, {"p-env": "production"}).content.decode()
    assert "It waits for somebody else" in needed
    assert "1 approval of group:sre" in needed
    assert "(owner)" in needed
    assert "none with these values" in browser.post(preview, {"p-env": "staging"}).content.decode()


def test_the_form_warns_where_nobody_could_approve(world: World) -> None:
    world.group_of("runner", slug="sre")
    runbook = book(world)
    answer = world.browser("runner").post(f"/runbooks/{runbook.path}/run/preview", {"p-env": "production"})
    assert "There are not enough people who could." in answer.content.decode()


def test_a_dry_run_says_it_too(world: World) -> None:
    world.group_of("owner", slug="sre")
    runbook = book(world)

    def need(env: str) -> Any:
        body = {"runbook": runbook.path, "parameters": {"env": env}, "dry_run": True}
        return world.client("runner")("POST", "/runs", body).json()["approval"]

    assert need("staging") is None
    assert need("production")["stages"][0] == {
        "name": "",
        "from": SRE,
        "count": 1,
        "people": ["owner"],
        "enough": True,
    }


def test_somebody_is_named_for_while_one_is_away_and_taken_back(world: World) -> None:
    browser = world.browser("owner")
    assert browser.post("/approvals/delegations", {"delegate": "author", "lasts": "3d"}).status_code == 302
    made = Delegation.objects.get()
    assert made.ends_at > timezone.now() + timedelta(days=2)
    assert "author approves in your place" in seen(world, "owner", "/approvals")
    assert "You approve in place of owner" in seen(world, "author", "/approvals")
    run = asked(world)
    assert "Waiting for you 1" in seen(world, "author", "/approvals")
    browser.post(f"/approvals/delegations/{made.pk}/end")
    assert "Waiting for you" not in seen(world, "author", "/approvals")
    assert run.status == RunStatus.AWAITING_APPROVAL


def test_a_name_that_can_not_stand_in_is_told_at_its_field(world: World) -> None:
    answer = world.browser("owner").post("/approvals/delegations", {"delegate": "nobody", "lasts": "1d"})
    assert answer.status_code == 422
    assert "Name another person" in answer.content.decode()
