"""Many machines, in real browsers: an inventory, a secret to sign in by, a step on all nodes, those that failed once
more, and the proof."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.execution.ssh_servers import USER, Server, private, public
from tests.installation import Installation
from tests.journeys.browsing import COLOUR, DESK, PHONE, Desk, axe_findings, sideways
from tests.vetted import Vetted

NODES = 14  # a long enough list to be searched
FAILING = "web7"


@pytest.fixture(scope="module")
def machines() -> Iterator[Server]:
    """An SSH server that every node of the inventory is reached at."""
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def fleet(system: Installation, machines: Server) -> Vetted:
    """A project with a deploy key; its runner may use its nodes."""
    made = Vetted(system)
    system.client("admin")(
        "POST", "/grants", {"principal": "user:runner", "object": f"project:{made.slug}", "rights": ["use"]}
    )
    owner = system.client("owner")
    about = {"project": made.slug, "slug": "deploy", "title": "Deploy key"}
    owner("POST", "/secrets", {**about, "value": private(machines.key)})
    return made


def test_from_an_inventory_to_the_failed_nodes_alone_and_the_proof(
    desk: Desk, machines: Server, fleet: Vetted, gate: Path
) -> None:
    owner = desk.browser_of("owner")
    the_owner_adds_a_machine_by_hand(owner, fleet.slug, machines)
    the_owner_imports_the_others(owner, fleet.slug, machines)
    mended = gate.with_name("mended")
    script = (
        f"echo at $OPSAAS_NODE; until [ -e {gate} ]; do sleep 0.05; done\n"
        f"[ $OPSAAS_NODE != {FAILING} ] || [ -e {mended} ] || {{ echo 'ERROR: no disk' >&2; exit 3; }}\n"
    )
    book = fleet.runbook("restart-all", script, targets={"select": "web", "max_failures": 9})
    runner = desk.browser_of("runner")
    runner.goto(f"/runbooks/{book}/run")
    expect(runner.locator("#plan")).to_contain_text(f"On {NODES} nodes")
    runner.get_by_role("button", name="Start the run").click()
    the_matrix_moves_by_itself(runner, gate)
    first = runner.url.rpartition("/")[2]
    the_failed_node_says_why(runner)
    mended.touch()
    runner.reload()  # what is told again of a run that has ended closes nobody's dialog
    runner.get_by_role("button", name="Run again on failed nodes").click()
    sheet = runner.locator("dialog#rerun-failed")
    expect(sheet).to_contain_text(FAILING)
    expect(sheet).not_to_contain_text("web1")
    sheet.get_by_role("button", name="Start the run").click()
    runner.wait_for_url(re.compile(f"/runs/(?!{first})[0-9a-f-]{{36}}$"))
    expect(runner.locator("[data-run-status]")).to_contain_text("Succeeded")
    expect(runner.locator(".cell")).to_have_count(1)
    the_owner_has_the_proof(owner, runner.url)


def the_owner_adds_a_machine_by_hand(page: Page, project: str, machines: Server) -> None:
    page.goto("/nodes/new")
    page.get_by_label("Project").select_option(project)
    page.get_by_label("Name").fill("web1")
    page.get_by_label("Host optional").fill("127.0.0.1")
    page.get_by_label("Port").fill(str(machines.port))
    page.get_by_label(re.compile("^Host key")).fill(public(machines.host_keys[0]))
    page.get_by_role("textbox", name="Account").fill(USER)
    page.get_by_label(re.compile("^Private key")).select_option(f"{project}/deploy")
    page.get_by_label(re.compile("^Tags")).fill("web")
    page.get_by_role("button", name="Add the node").click()
    expect(page.get_by_text("is there.")).to_be_visible()
    expect(page.locator("main")).to_contain_text(f"{project}/deploy")
    assert "PRIVATE KEY" not in page.content()


def the_owner_imports_the_others(page: Page, project: str, machines: Server) -> None:
    key = public(machines.host_keys[0])
    where = {"host": "127.0.0.1", "port": machines.port, "user": USER, "tags": ["web"], "host_keys": [key]}
    page.goto("/nodes/import")
    page.get_by_label("Project").select_option(project)
    page.get_by_role("textbox", name="Nodes").fill(
        json.dumps([{"name": f"web{n}", **where} for n in range(2, NODES + 1)])
    )
    page.get_by_label(re.compile("^Private key of all")).select_option(f"{project}/deploy")
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#nodes")).to_contain_text(f"web{NODES}")


def the_matrix_moves_by_itself(page: Page, gate: Path) -> None:
    """Nobody loads the page again: what the nodes do arrives, and whoever stands on a link of it stays there."""
    expect(page.locator(".nodes-sums")).to_contain_text("Running")
    page.evaluate("window.stillThisPage = true")
    page.locator("#sum-1-running").focus()
    gate.touch()
    expect(page.locator("[data-run-status]")).to_contain_text("Failed", timeout=60_000)
    expect(page.locator(".cell.status-good")).to_have_count(NODES - 1)
    expect(page.locator(".cell.status-bad")).to_have_count(1)
    assert page.evaluate("window.stillThisPage")
    assert axe_findings(page) == []
    page.set_viewport_size(PHONE)
    assert sideways(page) == []
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.documentElement.dataset.bsTheme === 'dark'")
    assert axe_findings(page, COLOUR) == []


def the_failed_node_says_why(page: Page) -> None:
    expect(page.locator(".nodes-failures li")).to_have_text(re.compile(rf"{FAILING}\s+exit code 3"))
    log = page.locator(".nodes-failures a").get_attribute("href")
    assert log is not None
    assert "ERROR: no disk" in page.request.get(log).text()


def the_owner_has_the_proof(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("#run-side")).to_contain_text("Repeats")
    with page.expect_download() as download:
        page.get_by_role("link", name="All that is known of it, as JSON").click()
    proof = json.loads(Path(download.value.path()).read_text())
    assert [node["name"] for node in proof["plan"]["targets"]] == [FAILING]
