"""Between the look and the click the world may change: what was looked at is what starts, or nothing."""

import re

from runbooks.models import HostKey, Node, Run
from tests.usecases.nodes.test_fan_out import fleet, targeted
from tests.world import World

ASKS = [{"name": "host", "type": "string"}, {"name": "token", "type": "secret"}]
VALUES = {"host": "web1", "token": "hunter22"}


def test_the_form_that_was_shown_for_another_version_starts_nothing_and_is_shown_again(world: World) -> None:
    world.published(script="echo old")
    browser = world.browser("runner")
    seen = re.search(r'name="seen" value="([^"]+)"', browser.get("/runbooks/payments/hello/run").content.decode())
    assert seen
    world.published(script="echo new")
    refused = browser.post("/runbooks/payments/hello/run", {"key": "k", "seen": seen[1], "reason": "typed"})
    assert refused.status_code == 409
    text = refused.content.decode()
    assert "Another version was published" in text
    assert "typed" in text
    assert not Run.objects.exists()
    now = re.search(r'name="seen" value="([^"]+)"', text)
    assert now
    assert browser.post("/runbooks/payments/hello/run", {"key": "k", "seen": now[1]}).status_code == 302


def test_a_dry_runs_hash_starts_that_plan_and_no_other(world: World) -> None:
    path = world.published(parameters=ASKS).path
    runner = world.client("runner")
    body = {"runbook": path, "parameters": VALUES}
    seen = runner("POST", "/runs", {**body, "dry_run": True}).json()["plan_hash"]
    assert runner("POST", "/runs", {**body, "plan_hash": seen}).status_code == 202
    others = [
        {**body, "plan_hash": "sha256:" + "0" * 64},
        {"runbook": path, "parameters": {**VALUES, "host": "web2"}, "plan_hash": seen},
    ]
    world.published(parameters=ASKS, script="echo new")
    for other in [*others, {**body, "plan_hash": seen}]:
        answer = runner("POST", "/runs", other)
        assert (answer.status_code, answer.json()["code"]) == (409, "plan_changed")
    assert Run.objects.count() == 1


def test_a_machine_that_was_added_meanwhile_is_not_run_on_unseen(world: World) -> None:
    fleet(world, "web1")
    runner, body = world.client("runner"), {"runbook": targeted(world).path}
    seen = runner("POST", "/runs", {**body, "dry_run": True}).json()["plan_hash"]
    key = HostKey.objects.get()
    added = Node.objects.create(project=world.project, name="web2", host="10.0.0.2", tags=["web"])
    HostKey.objects.create(node=added, key=key.key, seen_at=key.seen_at, state="accepted")
    assert runner("POST", "/runs", {**body, "plan_hash": seen}).status_code == 409
