import re
from typing import Any

from runbooks.access.fetch import installation
from runbooks.models import Installation
from tests.world import World

EVIL = "<script>alert(1)</script>"


def told(answer: Any) -> str:
    """The page without the two numbers that differ at every request."""
    return re.sub(r'X-CSRFToken": "\w+|<code>[-0-9a-f]{36}</code>', "", answer.content.decode())


def test_a_hidden_runbook_is_404_exactly_as_one_that_is_not_there(world: World) -> None:
    world.published("drain-worker")
    browser = world.browser("stranger")
    hidden, absent = browser.get("/runbooks/payments/drain-worker"), browser.get("/runbooks/payments/nothing-here")
    assert hidden.status_code == absent.status_code == 404
    assert told(hidden) == told(absent)
    for address in ("run", "run/preview"):
        assert browser.post(f"/runbooks/payments/drain-worker/{address}").status_code == 404


def test_the_runbook_shows_document_steps_and_who_is_told(world: World) -> None:
    world.published("drain-worker", script="echo drained")
    page = world.browser("runner").get("/runbooks/payments/drain-worker").content.decode()
    assert "What drain-worker is for." in page
    assert "echo drained" in page
    assert "at most 1 min" in page
    assert 'href="/runbooks/payments/drain-worker/run"' in page
    assert "Owner, Owner2" in " ".join(page.replace("</span>", "").replace('<span title="owner2">', "").split())


def test_who_may_not_run_it_reads_why_and_who_could_change_that(world: World) -> None:
    world.published("drain-worker")
    page = world.browser("author").get("/runbooks/payments/drain-worker").content.decode()
    assert "This needs the right “run”" in page
    assert "Who can grant it:" in page
    assert 'href="/runbooks/payments/drain-worker/run"' not in page
    assert world.browser("author").get("/runbooks/payments/drain-worker/run").status_code == 403


def test_the_kill_switch_is_told_as_the_reason(world: World) -> None:
    world.published("drain-worker")
    Installation.objects.filter(pk=installation().pk).update(accepts_runs=False)
    page = world.browser("runner").get("/runbooks/payments/drain-worker").content.decode()
    assert "New runs are switched off for the whole installation at the moment." in page


def test_a_draft_says_that_it_cannot_run_yet(world: World) -> None:
    world.drafted("drain-worker")
    page = world.browser("runner").get("/runbooks/payments/drain-worker").content.decode()
    assert "Nothing is published yet. This is version 1" in page
    assert 'href="/runbooks/payments/drain-worker/run"' not in page


def test_scripts_in_texts_stay_texts(world: World) -> None:
    parameters = [{"name": "note", "type": "string", "default": EVIL, "help": EVIL}]
    runbook = world.published("evil", script=f"echo '{EVIL}'", parameters=parameters)
    run = world.started(runbook, {"note": EVIL})
    run.reason = EVIL
    run.save(update_fields=["reason"])
    browser = world.browser("runner")
    for address in ("/", "/runs", "/runbooks/payments/evil", "/runbooks/payments/evil/run", f"/runs/{run.pk}"):
        page = browser.get(address).content.decode()
        assert EVIL not in page, address
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browser.get(f"/runs/{run.pk}").content.decode()
    link = browser.get(f"/runbooks/payments/evil/run?p-note={EVIL}&reason={EVIL}&p-{EVIL}=1&from=&version=x")
    assert EVIL not in link.content.decode()
