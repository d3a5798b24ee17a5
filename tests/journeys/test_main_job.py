"""The main job, by mouse and in real browsers: define, vet, grant, run, watch together, be told, prove."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.installation import Installation
from tests.journeys.browsing import Desk, log_of

SLUG = "restart-the-queue"
RUNBOOK = """\
apiVersion: opsaas/v1
kind: Runbook
metadata:
  project: {project}
  slug: restart-the-queue
  title: Restart the stuck queue
  alerts: [QueueIsStuck]
doc: |
  ## Meaning

  Nothing leaves the queue any more.
spec:
  containment: {{level: host}}
  parameters:
    - {{name: queue, type: string, pattern: "[a-z]{{1,20}}"}}
  steps:
    - id: restart
      interpreter: [sh]
      timeout: 2m
      script: |
        echo "restarting $OPSAAS_PARAM_QUEUE: é€😀"
        until [ -e {gate} ]; do sleep 0.05; done
        printf 'all \\033[32mgreen\\033[0m again\\n'
"""
EXPECTED = ["restarting mail: é€😀", "all green again"]


@pytest.fixture(scope="session")
def team(system: Installation) -> str:
    """A project whose runner has no rights yet."""
    admin = system.client("admin")
    admin("POST", "/projects", {"slug": "queues", "title": "Queues"})
    for name, rights in [("author", ["view", "edit"]), ("owner", ["view", "run", "see_output", "review", "grant"])]:
        admin("POST", "/grants", {"principal": f"user:{name}", "object": "project:queues", "rights": rights})
    return "queues"


def test_from_the_authors_editor_to_the_auditors_proof(desk: Desk, system: Installation, team: str, gate: Path) -> None:
    the_author_writes_and_submits(desk.browser_of("author"), RUNBOOK.format(project=team, gate=gate))
    the_owner_reviews_and_publishes(desk.browser_of("owner"), gate)
    the_owner_lets_the_runner_run(desk.browser_of("owner"), team)
    runner = desk.browser_of("runner")
    the_runner_finds_it_and_starts_it(runner)
    auditor = desk.browser_of("auditor")
    auditor.goto(runner.url)
    both_see_the_same_while_it_runs(runner, auditor, gate)
    run_id = runner.url.rpartition("/")[2]
    assert system.client("auditor").raw("GET", f"/runs/{run_id}/log")[1].decode() == (
        "restarting mail: é€😀\nall \x1b[32mgreen\x1b[0m again\n"
    )
    the_owner_is_told(desk.browser_of("owner"), run_id, Path(system.environment["OPSAAS_DATA_DIR"]) / "mail")
    the_auditor_finds_every_act(auditor, run_id)


def the_author_writes_and_submits(page: Page, text: str) -> None:
    page.goto("/projects")
    page.get_by_role("link", name="New runbook in Queues").click()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator(".cm-content").click()  # the text area itself gives way to it
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+v")
    page.get_by_role("button", name="Save as a draft").click()
    page.get_by_role("link", name="Look over and submit").click()
    page.get_by_role("button", name="Submit for review").click()
    expect(page.get_by_text("Submitted.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def the_owner_reviews_and_publishes(page: Page, gate: Path) -> None:
    page.goto("/reviews")
    page.get_by_role("link", name=re.compile("Restart the stuck queue")).first.click()
    expect(page.get_by_text(f"until [ -e {gate} ]")).to_be_visible()
    page.get_by_label("Comment").fill("Read, and tried on staging.")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Published: this version runs")).to_be_visible()


def the_owner_lets_the_runner_run(page: Page, team: str) -> None:
    page.goto("/access")
    page.get_by_role("link", name="Give a grant").first.click()
    page.get_by_label("To whom").fill("user:runner")
    page.get_by_label("On what").fill(f"project:{team}")
    page.get_by_role("radio", name=re.compile("Runner:")).check()
    page.get_by_label("Reason").fill("On call for the queues")
    page.get_by_role("button", name="Give the grant").click()
    expect(page.get_by_text("runner now holds")).to_be_visible()


def the_runner_finds_it_and_starts_it(page: Page) -> None:
    page.goto("/")
    page.locator("main").get_by_label("Search").fill("QueueIsStuck")
    expect(page.locator(".book")).to_have_count(1)
    page.locator(".book").get_by_role("link", name="Restart the stuck queue").click()
    page.get_by_role("link", name="Run …").first.click()
    page.get_by_label("Queue").fill("Not a queue!")
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_text("Nothing was started.")).to_be_visible()
    page.get_by_label("Queue").fill("mail")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile("/runs/[0-9a-f-]{36}$"))


def both_see_the_same_while_it_runs(runner: Page, auditor: Page, gate: Path) -> None:
    for page in (runner, auditor):
        expect(page.locator("[data-run-status]")).to_contain_text("Running")
        expect(page.locator(".log-row")).to_have_count(1)
        assert log_of(page) == EXPECTED[:1]
    gate.touch()
    for page in (runner, auditor):
        expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
        expect(page.locator(".log-row")).to_have_count(2)
        assert log_of(page) == EXPECTED


def the_owner_is_told(page: Page, run_id: str, folder: Path) -> None:
    page.goto("/admin/deliveries")
    row = page.locator("#deliveries tbody tr").filter(has_text=re.compile("Restart the stuck queue|restart-the-queue"))
    for _ in range(100):  # each of them is a look at the server
        if row.filter(has_text="Delivered").count():
            break
        page.reload()
    row.first.get_by_role("link").click()
    expect(page.locator("main")).to_contain_text(run_id)
    mails = [mail.read_text() for mail in folder.iterdir()]
    assert [mail for mail in mails if run_id in mail and "To: owner@" in mail]


def the_auditor_finds_every_act(page: Page, run_id: str) -> None:
    acts = {
        "version.drafted": "author",
        "version.submitted": "author",
        "version.reviewed": "owner",
        "version.published": "owner",
        "grant.created": "owner",
        "run.requested": "runner",
        "run.output_read": "auditor",
    }
    for action, name in acts.items():
        page.goto(f"/audit?action={action}&actor={name}")
        expect(page.locator("#events tbody tr").first).to_contain_text(name)
    page.goto(f"/audit?object={run_id}")
    for action in ("run.requested", "run.started", "run.finished"):
        expect(page.locator("#events")).to_contain_text(action)
