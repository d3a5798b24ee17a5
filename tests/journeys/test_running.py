"""What a runner counts on: cancel means gone, a link starts nothing, and the keyboard is enough."""

import re
import uuid
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.installation import Installation
from tests.journeys.browsing import Desk, log_of
from tests.vetted import Vetted


def test_cancel_from_the_page_leaves_no_process(desk: Desk, project: Vetted) -> None:
    seconds = f"9{uuid.uuid4().int % 10**7}"  # a process that can be told from all others by its argument
    script = f"setsid sleep {seconds} & (sleep {seconds} &) ; echo up; trap '' TERM; sleep {seconds}; sleep {seconds}"
    path = project.runbook("endless", script)
    page = desk.browser_of("runner")
    page.goto(f"/runbooks/{path}/run")
    page.get_by_role("button", name="Start the run").click()
    expect(page.locator(".log-row")).to_have_count(1)
    assert len(processes_with(seconds)) >= 3
    page.get_by_role("button", name="Cancel the run").click()
    page.locator("dialog#cancel").get_by_role("button", name="Cancel the run").click()
    expect(page.locator("[data-run-status]")).to_contain_text("Cancelled")
    assert processes_with(seconds) == []
    assert log_of(page) == ["up"]


def test_a_link_with_values_fills_the_form_and_starts_nothing(desk: Desk, system: Installation) -> None:
    runner = system.client("runner")
    path = "demo/disk-pressure"
    [parameter, *_] = [
        one for one in runner("GET", f"/runbooks/{path}")["parameters"] if one["type"] in {"string", "text"}
    ]
    before = len(runner("GET", f"/runs?runbook={path}")["results"])
    page = desk.browser_of("runner")
    page.goto(f"/runbooks/{path}/run?p-{parameter['name']}=/tmp")
    field = page.locator(f"[data-parameter={parameter['name']}]")
    expect(field).to_have_value("/tmp")
    expect(page.get_by_text("from the link").first).to_be_visible()
    field.press("Enter")
    expect(page).to_have_url(re.compile("/run\\?"))
    assert len(runner("GET", f"/runs?runbook={path}")["results"]) == before


def test_the_keyboard_alone_runs_a_runbook(desk: Desk, project: Vetted, gate: Path) -> None:
    path = project.runbook("by-keyboard", "echo done by keyboard")
    page = desk.browser_of("runner")
    page.goto("/")
    page.keyboard.type("by-keyboard")
    page.keyboard.press("Enter")
    expect(page.locator(".book")).to_have_count(1)
    tab_to(page, "By-Keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runbooks/{path}")
    tab_to(page, "Run …")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runbooks/{path}/run")
    tab_to(page, "Reason")
    page.keyboard.type("no mouse at hand")
    page.keyboard.press("Enter")  # in a field it starts nothing
    tab_to(page, "Start the run")
    page.keyboard.press("Space")
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
    expect(page.locator(".log-row")).to_have_count(1)
    assert log_of(page) == ["done by keyboard"]
    expect(page.get_by_text("no mouse at hand")).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until what has the focus is called NAME; whatever has it must show that."""
    passed = []
    for _ in range(100):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["name"].startswith(name):
            assert focused["shown"], f"nobody sees that {name} has the focus"
            return
        passed.append(focused["name"])
    raise AssertionError(f"Tab does not lead to {name!r}, only to {passed}")


FOCUSED = """() => {
    const one = document.activeElement, looks = [getComputedStyle(one), getComputedStyle(one, "::after")];
    const shown = looks.some((style) => style.outlineStyle !== "none" || style.boxShadow !== "none");
    const name = one.getAttribute("aria-label") || one.labels?.[0]?.innerText || one.innerText || "";
    return {name: name.trim(), shown};
}"""


def processes_with(argument: str) -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if argument in words:
            found.append(" ".join(words))
    return found
