"""Answers to manual steps: by whom, and with which files."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from runbooks.domain.files import MOST_BYTES
from runbooks.domain.ports import GivenFile
from runbooks.domain.problems import Invalid
from runbooks.models import Artifact, AuditEvent
from runbooks.usecases.runs.complete import Said, complete
from tests.usecases.test_pause import answer, waiting
from tests.world import World

NAMED = {"id": "look", "manual": {"ask": "Fine?", "from": ["group:oncall", "user:owner2"]}}
SHOW = {"id": "look", "manual": {"ask": "Show it.", "evidence": "file"}}
IMAGE = b"\x89PNG"
SCREEN = {"name": "screen.png", "content": base64.b64encode(IMAGE).decode()}


@pytest.fixture
def kept(tmp_path: Path, settings: Any) -> Path:
    settings.OPSAAS_OUTPUT_DIR = tmp_path
    return tmp_path


def test_only_whom_the_author_named_may_answer_and_that_is_looked_at_with_the_answer(world: World) -> None:
    oncall = world.group_of("author")
    run = waiting(world, NAMED)
    refused = answer(world, run, verdict="approve")
    assert refused.status_code == 403
    assert refused.json()["reasons"] == ["Only group:oncall or user:owner2 may answer this step."]
    assert answer(world, run, by="owner", verdict="approve").status_code == 403
    assert answer(world, run, by="stranger", verdict="approve").status_code == 404
    denied = AuditEvent.objects.filter(action="run.step_completed", outcome="denied")
    assert {"runner", "owner"} <= set(denied.values_list("actor_name", flat=True))
    oncall.memberships.update(ends_at=timezone.now())
    assert answer(world, run, by="author", verdict="approve").status_code == 403
    assert answer(world, run, by="owner2", verdict="approve").status_code == 202


def test_who_is_named_needs_no_right_to_run_but_a_token_that_extends_to_it(world: World) -> None:
    world.group_of("author")
    run = waiting(world, NAMED)
    path = f"/runs/{run.pk}/steps/{run.step_runs.get().pk}/complete"
    assert world.client("author", scopes=("view",))("POST", path, {"verdict": "approve"}).status_code == 403
    assert world.client("author")("POST", path, {"verdict": "approve"}).status_code == 202


def test_the_page_names_who_may_answer_and_asks_only_them(world: World) -> None:
    world.group_of("author")
    run = waiting(world, NAMED)
    address = f"/runs/{run.pk}/steps/{run.step_runs.get().pk}/complete"
    for name, may in [("author", True), ("runner", False)]:
        shown = world.browser(name).get(f"/runs/{run.pk}").content.decode()
        assert "<code>group:oncall</code>, <code>user:owner2</code>" in shown
        assert (address in shown) == may


def test_evidence_is_kept_as_artifacts_are_and_its_hash_stands_in_the_log(world: World, kept: Path) -> None:
    run = waiting(world, SHOW)
    [missing] = answer(world, run, verdict="approve", note="Done.").json()["errors"]
    assert (missing["pointer"], missing["code"]) == ("/evidence", "required")
    assert answer(world, run, verdict="approve", evidence=SCREEN).status_code == 202
    artifact = Artifact.objects.get(run=run)
    assert (artifact.name, artifact.size, artifact.step_run.step) == ("screen.png", 4, "look")
    event = AuditEvent.objects.get(action="run.step_completed", object_id=str(run.pk), outcome="done")
    [told] = json.loads(bytes(event.body))["details"]["evidence"]
    assert told == {"artifact": str(artifact.pk), "size": 4, "sha256": hashlib.sha256(IMAGE).hexdigest()}
    path = f"/runs/{run.pk}/artifacts/{artifact.pk}"
    read = world.client("runner")("GET", path)
    assert (b"".join(read.streaming_content), read["Content-Type"]) == (IMAGE, "application/octet-stream")
    world.give("stranger", run.runbook, "view")
    assert world.client("stranger")("GET", path).status_code == 403


def test_a_no_needs_no_file_and_an_answer_that_came_too_late_leaves_no_row(world: World, kept: Path) -> None:
    run = waiting(world, SHOW)
    assert answer(world, run, verdict="reject", note="It is broken.").status_code == 202
    assert answer(world, run, verdict="approve", evidence=[SCREEN]).json()["code"] == "not_waiting"
    assert not Artifact.objects.exists()


@pytest.mark.parametrize(
    ("evidence", "pointer", "code"),
    [
        ("screen.png", "/evidence", "wrong_type"),
        ([SCREEN, {**SCREEN, "content": "?"}], "/evidence/1/content", "bad_format"),
        ({**SCREEN, "name": "../screen.png"}, "/evidence/name", "bad_format"),
        ({**SCREEN, "content": ""}, "/evidence", "too_short"),
        ([SCREEN] * 6, "/evidence", "too_long"),
        ({"name": "a", "size": 3, "sha256": "0" * 64}, "/evidence", "wrong_type"),
        ([[[SCREEN]]], "/evidence/0", "wrong_type"),
    ],
)
def test_evidence_that_is_no_file_is_refused_at_its_place(
    world: World, kept: Path, evidence: Any, pointer: str, code: str
) -> None:
    run = waiting(world, SHOW)
    refused = answer(world, run, verdict="approve", evidence=evidence)
    assert refused.status_code == 400
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [(pointer, code)]


def test_files_that_are_too_large_together_are_refused(world: World, kept: Path) -> None:
    run = waiting(world, SHOW)
    half = GivenFile(name="a", data=bytes(MOST_BYTES // 2 + 1))
    said, step_run_id = Said("approve", evidence=(half, half)), str(run.step_runs.get().pk)
    with pytest.raises(Invalid) as refused:
        complete(actor=world.actor("runner"), run=run, step_run_id=step_run_id, said=said, now=timezone.now())
    assert [problem.code for problem in refused.value.problems] == ["too_long"]


def test_without_a_folder_for_files_evidence_is_refused_and_says_so(world: World, settings: Any) -> None:
    settings.OPSAAS_OUTPUT_DIR = None
    run = waiting(world, SHOW)
    assert answer(world, run, verdict="approve", evidence=SCREEN).json()["errors"][0]["code"] == "no_storage"


def test_the_page_takes_files_beside_the_answer(world: World, kept: Path) -> None:
    run = waiting(world, SHOW)
    browser, address = world.browser("runner"), f"/runs/{run.pk}/steps/{run.step_runs.get().pk}/complete"
    shown = browser.post(address, {"verdict": "approve"}, follow=True).content.decode()
    assert "This step asks for a file that shows that it is done." in shown
    files = [SimpleUploadedFile("a.txt", b"one"), SimpleUploadedFile("b.txt", b"two")]
    browser.post(address, {"verdict": "approve", "note": "Both.", "evidence": files})
    assert sorted(Artifact.objects.filter(run=run).values_list("name", flat=True)) == ["a.txt", "b.txt"]
    assert "a.txt" in browser.get(f"/runs/{run.pk}").content.decode()
