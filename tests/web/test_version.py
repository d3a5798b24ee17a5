"""Vetting in the browser: submit, review, publish, withdraw, and what one may not."""

from typing import Any

from django.utils import timezone

from runbooks.models import AuditEvent, Review, Version
from runbooks.usecases.versions.submit import submit
from tests.web.helpers import main_text
from tests.world import World

HOSTILE = "<script>alert(1)</script>"


def page_of(version: Version) -> str:
    return f"/runbooks/{version.runbook.path}/versions/{version.number}"


def submitted(world: World, **more: Any) -> Version:
    version = world.drafted(**more)
    submit(actor=world.actor("author"), version=version, now=timezone.now())
    return version


def state_of(version: Version) -> str:
    return Version.objects.values_list("state", flat=True).get(pk=version.pk)


def test_a_draft_goes_to_published_by_three_clicks_of_two_people(world: World) -> None:
    version = world.drafted()
    page = page_of(version)
    author, owner = world.browser("author"), world.browser("owner")
    assert author.post(f"{page}/submit").status_code == 302
    asked = {"verdict": "approve", "comment": "Good.", "digest": version.hash}
    assert owner.post(f"{page}/review", asked).status_code == 302
    assert owner.post(f"{page}/publish").status_code == 302
    shown = main_text(owner.get(page))
    assert "owner approved" in shown
    assert "This is what runs." in shown
    assert state_of(version) == "published"


def test_ones_own_work_is_not_reviewed_and_the_page_says_why(world: World) -> None:
    world.give("author", world.project, "review")
    version = submitted(world)
    browser = world.browser("author")
    shown = main_text(browser.get(page_of(version)))
    assert "You wrote some of what changed since the last published version" in shown
    assert "Approve" not in shown
    answer = browser.post(f"{page_of(version)}/review", {"verdict": "approve", "digest": version.hash})
    assert answer.status_code == 403
    assert "You wrote some of what changed" in main_text(answer)
    assert AuditEvent.objects.filter(action="version.reviewed", outcome="denied", actor_name="author").exists()
    assert state_of(version) == "in_review"


def test_a_review_of_another_content_than_was_read_is_refused(world: World) -> None:
    old, new = submitted(world), submitted(world, script="echo other")
    asked = {"verdict": "approve", "comment": "Looks good", "digest": old.hash}
    answer = world.browser("owner").post(f"{page_of(new)}/review", asked)
    assert answer.status_code == 409
    assert "You read another content" in main_text(answer)
    assert "Looks good" in answer.content.decode()
    assert not Review.objects.exists()


def test_rejecting_needs_a_sentence(world: World) -> None:
    version = submitted(world)
    answer = world.browser("owner").post(f"{page_of(version)}/review", {"verdict": "reject", "digest": version.hash})
    assert answer.status_code == 422
    assert "Say what would have to change." in main_text(answer)
    assert state_of(version) == "in_review"


def test_two_reviewers_at_once_get_one_verdict(world: World) -> None:
    version = submitted(world)
    asked = {"verdict": "approve", "digest": version.hash}
    assert world.browser("owner").post(f"{page_of(version)}/review", asked).status_code == 302
    assert world.browser("owner2").post(f"{page_of(version)}/review", asked).status_code in {403, 409}
    assert Review.objects.count() == 1


def test_a_draft_is_not_published(world: World) -> None:
    version = world.drafted()
    answer = world.browser("owner").post(f"{page_of(version)}/publish")
    assert answer.status_code == 403
    assert "Only an approved version can be published" in main_text(answer)


def test_the_difference_to_what_is_published_stands_first(world: World) -> None:
    world.published()
    version = world.drafted(script="echo other")
    shown = main_text(world.browser("owner").get(page_of(version)))
    assert "Against version 1, which is published" in shown
    assert "+1 added −1 removed" in shown


def test_everything_that_would_run_can_be_read(world: World) -> None:
    version = world.drafted(parameters=[{"name": "env", "type": "choice", "choices": ["a", "b"], "default": "a"}])
    shown = main_text(world.browser("owner").get(page_of(version)))
    for part in ("What hello is for.", "env", "choice", "echo hello", "run by sh", "stopped after 1 min"):
        assert part in shown


def test_hostile_texts_of_a_version_are_shown_as_text(world: World) -> None:
    parameters = [{"name": "env", "type": "string", "help": HOSTILE, "default": HOSTILE}]
    version = submitted(world, script=f"echo '{HOSTILE}'\n", parameters=parameters)
    comment = {"verdict": "reject", "comment": HOSTILE, "digest": version.hash}
    world.browser("owner").post(f"{page_of(version)}/review", comment)
    for path in (page_of(version), f"/runbooks/{version.runbook.path}/edit"):
        answer = world.browser("author").get(path)
        assert HOSTILE not in answer.content.decode()
        assert answer.status_code == 200


def test_withdrawing_takes_a_proposal_out_of_the_inbox(world: World) -> None:
    version = submitted(world)
    owner = world.browser("owner")
    assert "Waiting for you" in main_text(owner.get("/reviews"))
    world.browser("author").post(f"{page_of(version)}/withdraw")
    assert "Waiting for you" not in main_text(owner.get("/reviews"))
    assert state_of(version) == "withdrawn"


def test_the_inbox_holds_what_one_may_review_and_says_why_not_the_rest(world: World) -> None:
    submitted(world, by="owner")
    assert "Waiting for you" in main_text(world.browser("owner2").get("/reviews"))
    shown = main_text(world.browser("owner").get("/reviews"))
    assert "Waiting for somebody else" in shown
    assert "You wrote some of what changed" in shown
    assert "Waiting for" not in main_text(world.browser("runner").get("/reviews"))


def test_acts_answer_to_post_only(world: World) -> None:
    version = world.drafted()
    for act in ("submit", "review", "publish", "withdraw"):
        assert world.browser("owner").get(f"{page_of(version)}/{act}").status_code == 405


def test_a_reviewer_reads_where_it_runs_with_which_secrets_and_within_what(world: World) -> None:
    world.secret("deploy")
    step = {"id": "main", "interpreter": ["sh"], "script": "true", "secrets": {"KEY": "payments/deploy"}}
    targets = {"select": "role=worker", "canary": 1, "batch": "10%", "max_failures": 3}
    on_nodes = submitted(world, steps=[step], targets=targets)
    shown = main_text(world.browser("owner").get(page_of(on_nodes)))
    for words in (
        "On every node that fits role=worker",
        "one goes first, alone",
        "in batches of 10%",
        "once more than 3 have failed",
        "payments/deploy to step main as KEY",
        "on each node",
    ):
        assert words in shown
    here = submitted(world, containment={"level": "host"}, concurrency={"key": "'one'"})
    shown = main_text(world.browser("owner").get(page_of(here)))
    assert "Where on the worker's machine" in shown
    assert "host: a risk" in shown
    assert "One run at a time has the key 'one' ; others are refused." in shown
