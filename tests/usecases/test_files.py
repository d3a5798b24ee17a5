"""Files that runs are given: kept byte by byte, taken over by those who see the run, handed over only if unchanged."""

import base64
import hashlib
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from runbooks.domain.problems import Invalid
from runbooks.models import FileContent, Run, Runbook, RunFile
from runbooks.usecases.runs.rerun import rerun
from tests.world import FakeExecutor, World

FORM = "/runbooks/payments/import/run"
DATA = bytes(range(256)) * 10
UPLOAD = {"name": "a.bin", "content": base64.b64encode(DATA).decode()}
REFERENCE = {"name": "a.bin", "size": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest()}


@pytest.fixture
def runbook(world: World) -> Runbook:
    return world.published("import", parameters=[{"name": "list", "type": "file"}])


def test_a_file_reaches_the_executor_as_it_was(world: World, runbook: Runbook) -> None:
    run, executor = world.started(runbook, {"list": UPLOAD}), FakeExecutor()
    assert run.parameters == {"list": REFERENCE}
    assert UPLOAD["content"].encode() not in bytes(run.plan)
    world.executed(run, executor)
    [work] = executor.works
    assert (work.files["list"].name, work.files["list"].data) == ("a.bin", DATA)
    assert work.parameters == {"list": REFERENCE}


def test_the_same_content_is_kept_once_and_taken_over_by_a_rerun(world: World, runbook: Runbook) -> None:
    run = world.started(runbook, {"list": UPLOAD})
    again = rerun(actor=world.actor("runner"), run=run, same_version=False, now=timezone.now())
    world.started(runbook, {"list": UPLOAD})
    assert again.parameters == run.parameters
    assert (FileContent.objects.count(), RunFile.objects.count()) == (1, 3)
    executor = FakeExecutor()
    world.executed(again, executor)
    assert executor.works[0].files["list"].data == DATA


def test_a_hash_alone_gives_nobody_a_file(world: World, runbook: Runbook) -> None:
    world.started(runbook, {"list": UPLOAD})
    mine = world.published("other", parameters=[{"name": "list", "type": "file"}])
    world.give("stranger", mine, "view", "run")
    with pytest.raises(Invalid, match="not here any more"):
        world.started(mine, {"list": REFERENCE}, by="stranger")
    with pytest.raises(Invalid, match="not here any more"):
        world.started(runbook, {"list": {**REFERENCE, "name": "b.bin"}})
    with pytest.raises(Invalid, match="not here any more"):
        world.started(runbook, {"list": {**REFERENCE, "sha256": "0" * 64}})
    assert Run.objects.count() == 1


def test_a_file_that_was_changed_in_the_database_is_not_handed_over(world: World, runbook: Runbook) -> None:
    run, executor = world.started(runbook, {"list": UPLOAD}), FakeExecutor()
    _without_guard("UPDATE runbooks_filecontent SET data = %s", [b"rm -rf /"])
    world.executed(run, executor)
    assert executor.works == []
    assert (run.status, run.step_runs.get().detail) == (
        "failed",
        "The script was not started. The file given for list is not what was asked for: its hash differs.",
    )


def test_the_form_takes_a_file_and_shows_it(world: World, runbook: Runbook) -> None:
    browser = world.browser("runner")
    text = browser.get(FORM).content.decode()
    assert 'enctype="multipart/form-data" hx-params="not p-list"' in text
    browser.post(FORM, {"p-list": SimpleUploadedFile("a.bin", DATA), "key": "k1"})
    run = Run.objects.get()
    assert run.parameters == {"list": REFERENCE}
    assert "a.bin" in browser.get(f"/runs/{run.pk}").content.decode()


def test_the_form_offers_the_file_of_an_earlier_run(world: World, runbook: Runbook) -> None:
    run, browser = world.executed(world.started(runbook, {"list": UPLOAD})), world.browser("runner")
    text = browser.get(f"{FORM}?from={run.pk}").content.decode()
    kept = text.split('name="kept-list" value="')[1].split('"', maxsplit=1)[0].replace("&quot;", '"')
    browser.post(FORM, {"kept-list": kept, "key": "k1", "from": str(run.pk)})
    assert Run.objects.order_by("id").last() != run
    assert Run.objects.order_by("-id")[0].parameters == {"list": REFERENCE}


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"name": "a.bin", "size": 1, "sha256": "x"}', "\ud800"])
def test_nonsense_in_place_of_a_file_is_refused(world: World, runbook: Runbook, kept: str) -> None:
    typed = {"kept-list": kept.encode(errors="replace").decode(), "key": "k1"}
    assert world.browser("runner").post(FORM, typed).status_code == 400
    assert not Run.objects.exists()


def test_a_file_that_is_too_large_is_refused_at_its_field(world: World, runbook: Runbook) -> None:
    upload = SimpleUploadedFile("a.bin", b"x" * (1024 * 1024 + 1))
    answer = world.browser("runner").post(FORM, {"p-list": upload, "key": "k1"})
    assert (answer.status_code, Run.objects.count()) == (400, 0)
    assert "at most 1,048,576 are accepted" in answer.content.decode()


def test_the_api_takes_a_file_in_base64(world: World, runbook: Runbook) -> None:
    answer = world.client("runner")("POST", "/runs", {"runbook": "payments/import", "parameters": {"list": UPLOAD}})
    assert answer.status_code == 202
    assert answer.json()["parameters"] == {"list": REFERENCE}
    wrong = {"runbook": "payments/import", "parameters": {"list": {**UPLOAD, "content": "!"}}}
    refused = world.client("runner")("POST", "/runs", wrong)
    assert refused.json()["errors"][0]["pointer"] == "/parameters/list/content"


def _without_guard(statement: str, values: list[Any]) -> None:
    """As somebody with the database's superuser could do it."""
    with connection.cursor() as cursor:
        on = " ON runbooks_filecontent" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER runbooks_filecontent_no_update{on}")
        cursor.execute(statement, values)
