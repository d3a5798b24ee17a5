"""Runs on other machines, on the form and on the page of the run."""

import json
import re
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from runbooks.models import AuditEvent, Node, Project, Run, StepRun
from tests.usecases.nodes.test_fan_out import Machines, fleet, targeted, took
from tests.web.helpers import main_text
from tests.world import World

PREVIEW = "/runbooks/payments/fleet/run/preview"


def panel(world: World) -> str:
    return str(world.browser("runner").post(PREVIEW).content.decode())


def test_the_panel_beside_the_form_names_the_nodes(world: World) -> None:
    fleet(world, "web1", "web2")
    fleet(world, "db1", tags=("db",))
    targeted(world)
    text = panel(world)
    assert "On 2 nodes" in text
    assert "<code>web1</code></li><li><code>web2</code>" in text
    assert "db1" not in text
    assert " more" not in text
    assert "on each of its nodes" in text


def test_of_many_nodes_the_panel_names_the_first_twenty(world: World) -> None:
    fleet(world, *(f"web{n:02}" for n in range(23)))
    targeted(world)
    text = panel(world)
    assert "On 23 nodes" in text
    assert "<code>web19</code>" in text
    assert "web20" not in text
    assert "and 3 more" in text


def test_a_node_that_nobody_vouched_for_is_told_in_the_panel_before_anything_starts(world: World) -> None:
    fleet(world, "web1")
    Node.objects.create(project=world.project, name="web2", host="web2", tags=["web"])
    targeted(world)
    assert "accepted a host key of web2" in panel(world)


def test_a_runbook_without_targets_names_no_nodes(world: World) -> None:
    world.published("fleet")
    text = panel(world)
    assert "node" not in text
    assert "on the worker" in text


def half_failed(world: World, values: dict[str, Any] | None = None, **spec: Any) -> Run:
    """It failed on web2 and went well on the other two."""
    fleet(world, "web1", "web2", "web3")
    runbook = world.published("fleet", targets={"select": "web", "max_failures": 9}, **spec)
    return world.executed(world.started(runbook, values), Machines(ends=lambda work: int(work.node == "web2")))


def page(world: World, run: Run, name: str = "runner", query: str = "") -> str:
    return str(world.browser(name).get(f"/runs/{run.pk}{query}").content.decode())


def nodes_of(run: Run) -> list[str]:
    return [node["name"] for node in json.loads(bytes(run.plan))["targets"]]


def test_a_run_that_failed_on_some_nodes_is_run_again_on_these_alone(world: World) -> None:
    run = half_failed(world)
    text = page(world, run)
    assert "Run again on failed nodes" in text
    assert "Run it again on the node that failed?" in text
    browser = world.browser("runner")
    first = browser.post(f"/runs/{run.pk}/rerun", {"key": "k", "failed": "1"})
    assert browser.post(f"/runs/{run.pk}/rerun", {"key": "k", "failed": "1"})["Location"] == first["Location"]
    again = Run.objects.exclude(pk=run.pk).get()
    assert (nodes_of(again), again.rerun_of) == (["web2"], run)


def test_on_the_same_page_all_nodes_and_the_failed_ones_are_two_requests(world: World) -> None:
    run, browser = half_failed(world), world.browser("runner")
    browser.post(f"/runs/{run.pk}/rerun", {"key": "k", "failed": "1"})
    world.executed(Run.objects.exclude(pk=run.pk).get(), Machines())
    browser.post(f"/runs/{run.pk}/rerun", {"key": "k"})
    assert sorted(len(nodes_of(one)) for one in Run.objects.exclude(pk=run.pk)) == [1, 3]


def test_where_no_node_failed_nothing_offers_them_and_asking_is_refused(world: World) -> None:
    fleet(world, "web1")
    run = world.executed(world.started(targeted(world)), Machines())
    assert "failed nodes" not in page(world, run)
    refused = world.browser("runner").post(f"/runs/{run.pk}/rerun", {"failed": "1"})
    assert refused.status_code == 409
    assert "no node where this run did not succeed" in refused.content.decode()
    assert Run.objects.count() == 1


def test_who_may_not_run_it_reads_why_at_the_button(world: World) -> None:
    run = half_failed(world)
    text = page(world, run, "author")
    assert 'aria-describedby="rerun-failed-no-why"' in text
    assert 'id="rerun-failed"' not in text
    assert world.browser("author").post(f"/runs/{run.pk}/rerun", {"failed": "1"}).status_code == 403


def test_beside_a_run_under_way_the_form_asks_and_keeps_to_the_failed_nodes(world: World) -> None:
    run = half_failed(world)
    browser, other = world.browser("runner"), world.started(run.runbook)
    form = browser.post(f"/runs/{run.pk}/rerun", {"key": "k", "failed": "1"})["Location"]
    assert form == f"/runbooks/payments/fleet/run?from={run.pk}&failed=1"
    shown = browser.get(form).content.decode()
    assert "only on the nodes where it did not succeed" in shown
    assert '<input type="hidden" name="failed" value="1">' in shown
    sent = {"from": str(run.pk), "failed": "1", "key": "k2", "beside": str(other.pk)}
    assert "On 1 node<" in browser.post(PREVIEW, sent).content.decode()
    assert browser.post("/runbooks/payments/fleet/run", sent).status_code == 302
    assert nodes_of(Run.objects.get(rerun_of=run)) == ["web2"]


def test_a_form_for_failed_nodes_of_no_run_does_not_start_on_all(world: World) -> None:
    half_failed(world)
    answer = world.browser("runner").post("/runbooks/payments/fleet/run", {"failed": "1", "key": "k"})
    assert answer.status_code == 400
    assert "Open the form from that run again" in answer.content.decode()
    assert Run.objects.count() == 1


def test_what_has_to_be_typed_again_is_asked_for_failed_nodes_too(world: World) -> None:
    parameters = [{"name": "host", "type": "string", "confirm": True}]
    text = page(world, half_failed(world, {"host": "a"}, parameters=parameters))
    assert "&amp;failed=1" in text
    assert 'id="rerun-failed"' not in text


def cells(text: str) -> list[str]:
    """The names in the matrix, as they are told."""
    block = re.search(r'<div id="run-nodes">.*?</section></div>', text, re.DOTALL)
    found = re.findall(r'<(?:a|span)[^>]* class="cell[^>]*>(.*?)</(?:a|span)>\n', block[0] if block else "", re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", one).split()) for one in found]


def test_a_step_on_nodes_shows_each_by_name_mark_and_word(world: World) -> None:
    text = page(world, half_failed(world))
    assert cells(text) == ["✓ web1 , Succeeded", "✗ web2 , Failed", "✓ web3 , Succeeded"]


def test_above_the_nodes_it_says_how_many_are_in_which_status(world: World) -> None:
    told = main_text(world.browser("runner").get(f"/runs/{half_failed(world).pk}"))
    assert "3 nodes Succeeded 2 Failed 1" in told


def test_a_node_leads_to_its_own_log(world: World) -> None:
    run = half_failed(world)
    address = f"/api/v1/runs/{run.pk}/log?step=main&attempt=1&node=web2"
    assert address.replace("&", "&amp;") in page(world, run)
    assert world.browser("runner").get(address).status_code == 200


def test_without_the_right_to_the_output_nodes_are_told_but_lead_nowhere(world: World) -> None:
    text = page(world, half_failed(world), "author")
    assert cells(text) == ["✓ web1 , Succeeded", "✗ web2 , Failed", "✓ web3 , Succeeded"]
    assert "node=web2" not in text


def test_nodes_are_narrowed_down_by_status_with_a_link(world: World) -> None:
    run = half_failed(world)
    assert 'href="?nodes=failed"' in page(world, run)
    narrowed = page(world, run, query="?nodes=failed")
    assert cells(narrowed) == ["✗ web2 , Failed"]
    assert f'hx-get="/runs/{run.pk}?nodes=failed"' in narrowed
    assert 'href="?" ' in narrowed or 'href="?">' in narrowed
    assert cells(page(world, run, query="?nodes=lost")) == []
    assert len(cells(page(world, run, query="?nodes=<i>"))) == 3


def test_nodes_that_were_never_begun_are_told_as_skipped(world: World) -> None:
    fleet(world, "web1", "web2", "web3")
    runbook = targeted(world, batch=1, max_failures=0)
    run = world.executed(world.started(runbook), Machines(ends=lambda work: 1))
    assert cells(page(world, run)) == ["✗ web1 , Failed", "» web2 , Skipped", "» web3 , Skipped"]


def test_nodes_that_wait_for_their_batch_are_pending(world: World) -> None:
    fleet(world, "web1", "web2")
    run = world.started(targeted(world, batch=1))
    took(run, Machines(), 1)
    assert cells(page(world, run)) == ["· web1 , Queued", "○ web2 , Pending"]


def test_a_run_on_the_worker_alone_has_no_matrix(world: World) -> None:
    assert "nodes-cells" not in page(world, world.executed(world.started()))


def many(world: World, count: int) -> Run:
    names = [f"web{n:04}" for n in range(count)]
    fleet(world, "web")
    run = world.executed(world.started(targeted(world)), Machines())
    whole = StepRun.objects.get(run=run, part_of=None)
    whole.fan_out.nodes = names
    whole.fan_out.save(update_fields=["nodes"])
    StepRun.objects.bulk_create(
        StepRun(run=run, part_of=whole, index=0, step="main", node=name, status="queued") for name in names
    )
    return run


def test_of_many_nodes_the_names_stand_in_titles(world: World) -> None:
    text = page(world, many(world, 60))
    assert 'title="web0059, Queued" aria-label="web0059, Queued">·</span>' in text
    assert "web0059</" not in text


def test_a_thousand_nodes_take_no_more_queries_than_three(world: World) -> None:
    few = half_failed(world)
    Node.objects.all().update(archived_at=few.finished_at)
    run, browser = many(world, 1005), world.browser("runner")
    asked = []
    for one in (few, run):
        browser.get(f"/runs/{one.pk}")
        with CaptureQueriesContext(connection) as queries:
            text = browser.get(f"/runs/{one.pk}").content.decode()
        asked.append(len(queries))
    assert asked[1] <= asked[0]
    assert len(cells(text)) == 1000
    assert "and 5 more" in text


ONE_NODE = [{"name": "host", "type": "node", "from": "web"}]
FORM = "/runbooks/payments/fleet/run"


def offered(text: str) -> list[str]:
    """The values of the list to choose a node from."""
    found = re.search(r'<select name="p-host".*?</select>', text, re.DOTALL)
    assert found
    return re.findall(r'<option value="([^"]*)"', found[0])


def test_a_node_is_chosen_from_those_that_one_may_use(world: World) -> None:
    fleet(world, "web10", "web2")
    fleet(world, "db1", tags=("db",))
    elsewhere = Project.objects.create(slug="lending", title="Lending")
    Node.objects.create(project=elsewhere, name="web7", host="web7", tags=["web"])
    world.published("fleet", parameters=ONE_NODE, targets={"select": "name == params.host"})
    browser = world.browser("runner")
    assert offered(browser.get(FORM).content.decode()) == ["", "web2", "web10"]
    browser.post(FORM, {"p-host": "web10", "key": "k"})
    assert nodes_of(Run.objects.get()) == ["web10"]


def test_what_the_grant_does_not_cover_is_not_offered_and_not_taken(world: World) -> None:
    web1, _web2 = fleet(world, "web1", "web2", use=False)
    world.give("runner", web1, "use")
    world.published("fleet", parameters=ONE_NODE, targets={"select": "name == params.host"})
    browser = world.browser("runner")
    assert offered(browser.get(FORM).content.decode()) == ["", "web1"]
    refused = browser.post(FORM, {"p-host": "web2", "reason": "because", "key": "k"})
    assert refused.status_code == 400
    assert "is no node that you may use here" in main_text(refused)
    assert 'value="because"' in refused.content.decode()
    assert not Run.objects.exists()


def test_a_form_without_any_node_to_choose_says_why(world: World) -> None:
    fleet(world, "web1", use=False)
    world.published("fleet", parameters=ONE_NODE)
    text = main_text(world.browser("runner").get(FORM))
    assert "There is no node here that you may use" in text


def test_a_node_that_a_link_names_and_that_is_not_there_can_not_be_sent(world: World) -> None:
    fleet(world, "web1")
    world.published("fleet", parameters=ONE_NODE)
    text = world.browser("runner").get(FORM, {"p-host": "web9"}).content.decode()
    assert '<option value="web9" selected disabled>web9: no node that you may use here</option>' in text


def test_only_a_long_list_is_searched(world: World) -> None:
    fleet(world, *(f"web{n}" for n in range(12)))
    world.published("fleet", parameters=ONE_NODE)
    browser = world.browser("runner")
    assert "data-searched" not in browser.get(FORM).content.decode()
    fleet(world, "web12")
    assert "data-searched" in browser.get(FORM).content.decode()


def test_targets_that_one_may_not_use_refuse_with_the_form_as_it_was_typed(world: World) -> None:
    fleet(world, "web1", use=False)
    world.published("fleet", targets={"select": "web"}, parameters=[{"name": "note", "type": "string"}])
    browser = world.browser("runner")
    assert "do not hold the right “use”" in browser.post(PREVIEW, {"p-note": "hey"}).content.decode()
    refused = browser.post(FORM, {"p-note": "hey", "key": "k"})
    assert refused.status_code == 403
    assert "do not hold the right “use”" in main_text(refused)
    assert 'value="hey"' in refused.content.decode()
    assert AuditEvent.objects.filter(action="run.requested", outcome="denied").exists()


def test_nodes_that_failed_say_why_and_lead_to_their_log(world: World) -> None:
    run = half_failed(world)
    text = page(world, run)
    found = re.search(r'<ul class="nodes-failures">(.*?)</ul>', text, re.DOTALL)
    assert found
    assert re.sub(r"<[^>]*>", "", found[1]).split() == ["web2", "exit", "code", "1"]
    assert "node=web2" in found[1]
    assert "node=web2" not in page(world, run, "author")


def test_what_has_the_focus_is_found_again_after_the_matrix_was_swapped(world: World) -> None:
    text = page(world, half_failed(world))
    for name in ("sum-1-failed", "cells-1", "cell-1-2"):
        assert text.count(f'id="{name}"') == 1
