import pytest
from django.test import Client

from runbooks.web.summary import purpose
from tests.world import World


def test_strangers_are_sent_to_sign_in_and_come_back(world: World) -> None:
    answer = Client().get("/runs?status=open")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/runs%3Fstatus%3Dopen"


def test_a_fragment_for_a_stranger_takes_the_whole_page_to_sign_in(world: World) -> None:
    answer = Client().get("/palette?q=x", headers={"HX-Request": "true", "HX-Current-URL": "https://evil.example/runs"})
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/accounts/login/?next=/runs"


def test_a_disabled_account_is_signed_out(world: World) -> None:
    browser = world.browser("runner")
    runner = world.user("runner")
    runner.disabled_at = runner.created_at
    runner.save(update_fields=["disabled_at"])
    assert browser.get("/").status_code == 302
    assert "_auth_user_id" not in browser.session


def test_the_catalog_shows_what_one_may_see_and_do(world: World) -> None:
    world.published("drain-worker")
    page = world.browser("runner").get("/").content.decode()
    assert "Drain worker" in page
    assert "What drain-worker is for." in page
    assert "You may run it" in page
    assert "View only" in world.browser("author").get("/").content.decode()


def test_a_hidden_runbook_is_in_no_list_no_facet_and_no_palette(world: World) -> None:
    run = world.started(world.published("drain-worker"))
    browser = world.browser("stranger")
    for address in (
        "/",
        "/?q=drain",
        "/runs",
        "/palette?q=drain",
        f"/palette?q={str(run.pk)[:8]}",
        "/runs?status=open",
    ):
        assert "Drain worker" not in browser.get(address).content.decode()
    assert "Nothing has been shared with you yet" in browser.get("/").content.decode()


def test_the_search_looks_into_scripts_and_says_when_nothing_fits(world: World) -> None:
    world.published("drain-worker", script="kafka-consumer-groups --reset-offsets")
    browser = world.browser("runner")
    assert "Drain worker" in browser.get("/?q=reset-offsets").content.decode()
    assert "No runbook that you may see fits this" in browser.get("/?q=nonsense").content.decode()


def test_a_title_that_says_it_comes_before_a_script_that_does(world: World) -> None:
    world.published("disk-pressure")
    world.published("newer", script="echo disk")
    browser = world.browser("runner")
    for address in ("/?q=disk", "/palette?q=disk"):
        page = browser.get(address).content.decode()
        assert page.index("/payments/disk-pressure") < page.index("/payments/newer")


def test_filters_that_make_no_sense_filter_nothing(world: World) -> None:
    run = world.started(world.published("drain-worker"))
    assert f"/runs/{run.pk}" in world.browser("runner").get("/runs?status=nonsense&mine=7").content.decode()


def test_a_cursor_that_is_none_is_a_page_that_says_so(world: World) -> None:
    answer = world.browser("runner").get("/?cursor=%21%21")
    assert answer.status_code == 400
    assert "This cursor is not one of ours" in answer.content.decode()


def test_runs_under_way_are_on_the_home_page_with_who_started_them(world: World) -> None:
    run = world.started(world.published("drain-worker"))
    page = world.browser("owner").get("/").content.decode()
    assert "Running now" in page
    assert f"/runs/{run.pk}" in page
    assert "You have not run anything yet" in page


def test_the_list_of_runs_narrows_down_to_mine_and_to_a_runbook(world: World) -> None:
    mine = world.started(world.published("mine"))
    other = world.started(world.published("other"), by="owner")
    browser = world.browser("runner")
    all_of_them = browser.get("/runs").content.decode()
    assert str(mine.pk) in all_of_them
    assert str(other.pk) in all_of_them
    assert str(other.pk) not in browser.get("/runs?mine=1").content.decode()
    assert str(mine.pk) not in browser.get("/runs?runbook=payments/other").content.decode()
    assert "No run fits this" in browser.get("/runs?status=failed").content.decode()


def test_the_palette_finds_runbooks_runs_and_pages(world: World) -> None:
    run = world.started(world.published("drain-worker"))
    browser = world.browser("runner")
    found = browser.get("/palette?q=drain").content.decode()
    assert "/runbooks/payments/drain-worker" in found
    assert f"/runs/{run.pk}" in found
    assert f"/runs/{run.pk}" in browser.get(f"/palette?q={str(run.pk)[:18]}").content.decode()
    assert 'href="/runs"' in browser.get("/palette?q=runs").content.decode()
    assert "Nothing found" in browser.get("/palette?q=zzzz").content.decode()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("", ""),
        ("Plain words. More words.", "Plain words. More words."),
        (f"## Impact\n\nBad.\n\n## Meaning\n\nIt `{'x' * 60}` is stuck. More.", f"It {'x' * 60} is stuck."),
        ("# Meaning\n\nNo **full** stop\nhere", "No full stop here"),
        ("## Meaning\n\n" + "word " * 60, " ".join(["word"] * 44) + " …"),
    ],
)
def test_what_a_runbook_is_for_is_the_first_sentence_of_its_meaning(document: str, sentence: str) -> None:
    assert purpose(document) == sentence
