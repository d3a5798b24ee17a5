"""A log of a million lines: the page loads its end, and goes to any other line by number, link, search and error."""

import os
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.journeys.browsing import PHONE, Desk, axe_findings, sideways
from tests.vetted import Vetted

LINES = 1_000_000  # 50 MB, of which the page loads the last 32 MB
SCRIPT = f"""seq -f 'line %08.0f of the log, in which nothing happens' {LINES // 10}
echo 'ERROR: the needle'
seq -f 'line %08.0f of the log, in which nothing happens' {LINES // 10 + 2} {LINES}
"""
EARLY = LINES // 10 + 1


def test_every_line_of_a_million_can_be_seen(desk: Desk, project: Vetted) -> None:
    client = desk.system.client("runner")
    run_id = client.start(project.runbook("million", SCRIPT))
    assert client.finished(run_id, every=0.5)["status"] == "succeeded"
    page = desk.browser_of("runner")

    page.goto(f"/runs/{run_id}")  # the end, and a notice about the beginning
    expect(page.locator("[data-log-state]")).to_contain_text("Complete", timeout=120_000)
    expect(page.get_by_text("The first lines are not loaded")).to_be_visible()
    row_count(page)

    goto = page.locator("[data-log-goto]")
    goto.fill("777")
    goto.press("Enter")
    expect(chosen(page)).to_contain_text("line 00000777")
    expect(page).to_have_url(f"{desk.address}/runs/{run_id}#main-L777")
    expect(page.locator("[data-log-excerpt]")).to_contain_text("Lines 1–2,000 of main")
    row_count(page)
    picture(page, "large-log")
    page.evaluate("scrollTo(0, 0)")  # what the fixed head covers is no target
    assert axe_findings(page) == []

    page.get_by_role("button", name="Later lines").click()
    expect(page.locator("[data-log-excerpt]")).to_contain_text("Lines 1,9")

    page.get_by_label("Search the log").fill("NEEDLE")
    expect(page.locator("[data-log-hits]")).to_contain_text("1 of 1", timeout=60_000)
    expect(chosen(page)).to_contain_text("ERROR: the needle")

    page.get_by_role("button", name="To the end").click()
    expect(page.locator("[data-log-excerpt]")).to_be_hidden()
    expect(page.locator(".log-row").last).to_contain_text(f"line {LINES:08d}")

    page.goto("/runs")
    page.goto(f"/runs/{run_id}#main-L{EARLY}")  # a link to a line that the page does not load
    expect(chosen(page)).to_contain_text("ERROR: the needle", timeout=120_000)
    row_count(page)


def test_the_next_error_is_found_where_the_page_has_not_loaded_it(desk: Desk, project: Vetted) -> None:
    client = desk.system.client("runner")
    run_id = client.start(project.runbook("million-2", SCRIPT))
    client.finished(run_id, every=0.5)
    page = desk.browser_of("runner", color_scheme="dark")
    page.set_viewport_size(PHONE)
    page.goto(f"/runs/{run_id}")
    expect(page.get_by_text("The first lines are not loaded")).to_be_visible(timeout=120_000)
    page.locator("[data-log-error]").click()
    expect(chosen(page)).to_contain_text("ERROR: the needle", timeout=60_000)
    picture(page, "large-log-phone")
    page.evaluate("scrollTo(0, 0)")  # what the fixed head covers is no target
    assert axe_findings(page) == []
    assert sideways(page) == []


def chosen(page: Page) -> Locator:
    return page.locator(".log-row.is-selected")


def row_count(page: Page) -> None:
    assert page.locator(".log-row").count() <= 500


def picture(page: Page, name: str) -> None:
    """For whoever wants to look."""
    if folder := os.environ.get("OPSAAS_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")
