"""Writing runbooks in the browser."""

import pytest

from runbooks.models import AuditEvent, Runbook, Version
from runbooks.queries.versions import as_yaml
from runbooks.web.starting_text import starting_text
from tests.web.helpers import main_text
from tests.world import World

EDIT = "/runbooks/payments/hello/edit"


def test_the_text_to_begin_with_can_be_saved_as_it_is(world: World) -> None:
    text = starting_text(project="payments")
    answer = world.browser("author").post("/projects/payments/new", {"text": text})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/runbooks/payments/my-runbook/edit"
    assert Version.objects.get().author.username == "author"


def test_line_ends_of_browsers_do_not_get_into_scripts(world: World) -> None:
    text = starting_text(project="payments").replace("\n", "\r\n")
    world.browser("author").post("/projects/payments/new", {"text": text})
    assert b"\\r" not in bytes(Version.objects.get().manifest)


def test_a_new_runbook_does_not_overwrite_one_that_is_there(world: World) -> None:
    version = world.drafted()
    answer = world.browser("author").post("/projects/payments/new", {"text": as_yaml(version)})
    assert answer.status_code == 422
    assert "/metadata/slug" in main_text(answer)
    assert Version.objects.count() == 1


def test_every_problem_is_shown_with_its_line_and_what_was_typed_stays(world: World) -> None:
    text = starting_text(project="payments").replace("risk: low", "risk: huge").replace("timeout: 2m", "timeout: soon")
    answer = world.browser("author").post("/projects/payments/new", {"text": text})
    assert answer.status_code == 422
    shown = main_text(answer)
    assert "2 things do not fit" in shown
    assert f"line {_line(text, 'risk: huge')} /spec/risk" in shown
    assert f"line {_line(text, 'timeout: soon')} /spec/steps/0/timeout" in shown
    assert answer.context["text"] == text
    assert not Runbook.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "[" * 100_000,
        "a: &x [1]\nb: !!python/object:os.system []",
        "a: 1\na: 2",
        "\x00",
        "</textarea><script>x",
    ],
)
def test_what_is_no_definition_is_refused_and_comes_back_as_text(world: World, text: str) -> None:
    world.drafted()
    answer = world.browser("author").post(EDIT, {"text": text, "base": "1"})
    assert answer.status_code == 422
    assert answer.context["text"] == text
    assert b"<script>x" not in answer.content
    assert Version.objects.count() == 1


def test_saving_makes_a_version_and_shows_what_was_understood(world: World) -> None:
    version = world.drafted()
    text = as_yaml(version).replace("echo hello", "echo changed")
    answer = world.browser("author").post(EDIT, {"text": text, "base": "1"}, follow=True)
    assert answer.redirect_chain == [(EDIT, 302)]
    shown = main_text(answer)
    assert "Saved as version 2" in shown
    assert "As saved: version 2" in shown
    assert "echo changed" in answer.context["text"]


def test_saving_what_is_saved_already_says_so(world: World) -> None:
    text = as_yaml(world.drafted())
    answer = world.browser("author").post(EDIT, {"text": text, "base": "1"}, follow=True)
    assert "exactly what version 1 says already" in main_text(answer)
    assert Version.objects.count() == 1


def test_who_saves_over_somebody_elses_version_is_told_first_and_keeps_the_text(world: World) -> None:
    mine = as_yaml(world.drafted()).replace("echo hello", "echo mine")
    world.drafted(script="echo theirs", by="owner")
    answer = world.browser("author").post(EDIT, {"text": mine, "base": "1"})
    assert answer.status_code == 409
    assert "Version 2 was saved while you were writing" in main_text(answer)
    assert answer.context["text"] == mine
    assert b'href="/runbooks/payments/hello/versions/1/diff/2"' in answer.content
    assert b'name="base" value="2"' in answer.content
    assert world.browser("author").post(EDIT, {"text": mine, "base": "2"}).status_code == 302


def test_who_may_not_edit_is_told_why_and_the_log_knows(world: World) -> None:
    world.published()
    answer = world.browser("runner").get(EDIT)
    assert answer.status_code == 403
    assert "“edit”" in main_text(answer)
    assert AuditEvent.objects.filter(action="version.drafted", outcome="denied", actor_name="runner").exists()


def test_a_runbook_that_one_does_not_see_looks_like_none(world: World) -> None:
    world.published()
    answers = [world.browser("stranger").get(f"/runbooks/payments/{slug}/edit") for slug in ("hello", "nothing")]
    assert [answer.status_code for answer in answers] == [404, 404]


def _line(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)
