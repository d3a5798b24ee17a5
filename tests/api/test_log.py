"""The log over HTTP: search by pages, jumps, and what is said where there is nothing to read any more."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from runbooks.models import AuditEvent, OutputChunk, Run, SealedOutput
from runbooks.usecases.runs.remove_output import remove_due
from tests.live.sealing import Ended, write
from tests.world import FakeExecutor, World

JSON = {"Accept": "application/json"}
TEXT = b"".join(b"line %d %s\n" % (n, b"Error: no" if n % 10 == 0 else b"fine") for n in range(1, 101))


@pytest.fixture
def run(world: World) -> Run:
    return world.executed(world.started(), FakeExecutor(output=TEXT))


@pytest.fixture
def ended(world: World, tmp_path: Path, settings: Settings) -> Ended:
    settings.OPSAAS_OUTPUT_DIR = tmp_path / "output"
    return Ended(run=world.started(), folder=tmp_path / "output")


def ask(world: World, run: Run, query: str, **headers: str) -> Any:
    return world.client("owner")("GET", f"/runs/{run.pk}/log?{query}", headers=headers or JSON)


def body(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("query", ["q=ERROR", "re=^line+\\d%2B+error"])
def test_a_search_answers_in_pages_with_numbers_and_excerpts(world: World, run: Run, query: str) -> None:
    found, cursor = [], ""
    while True:
        page = ask(world, run, f"{query}&limit=3&cursor={cursor}").json()
        found += page["results"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [line["line"] for line in found] == list(range(10, 101, 10))
    assert found[0].keys() == {"line", "step", "node", "attempt", "time", "text"}
    assert found[0]["text"] == "line 10 Error: no"


def test_whoever_does_not_ask_for_json_gets_all_matches(world: World, run: Run) -> None:
    assert body(ask(world, run, "q=error", Accept="text/plain")).count("\n") == 10
    lines = [json.loads(x) for x in body(ask(world, run, "q=error", Accept="application/jsonl")).splitlines()]
    assert [line["line"] for line in lines] == list(range(10, 101, 10))


def test_the_next_error_after_a_line(world: World, run: Run) -> None:
    assert [x["line"] for x in ask(world, run, "q=error&step=main&line=31&limit=1").json()["results"]] == [40]


def test_a_jump_to_a_line(world: World, run: Run) -> None:
    lines = body(ask(world, run, "line=41&limit=2", Accept="application/jsonl")).splitlines()
    assert [json.loads(x)["line"] for x in lines] == [41, 42]
    assert body(ask(world, run, "line=100&limit=9", Accept="*/*")) == "line 100 Error: no\n"


def test_lines_are_counted_in_one_step_which_has_to_be_named(world: World, ended: Ended) -> None:
    write(ended.run, [(0, b"a\n"), (1, b"b\nc\n")], piece_bytes=65536)
    refused = ask(world, ended.run, "line=1")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/step")
    assert body(ask(world, ended.run, "line=2&step=copy&node=web-1", Accept="*/*")) == "c\n"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("q=x&re=y", "/q"),
        ("q=", "/q"),
        ("re=(", "/re"),
        ("q=x&cursor=nonsense", "/cursor"),
        ("q=x&limit=0", "/limit"),
        ("line=0", "/line"),
        ("line=x", "/line"),
        ("line=1&limit=99999", "/limit"),
        ("q=x&line=1&step=absent", "/step"),
        ("q=x&attempt=-1", "/attempt"),
        (f"q={'x' * 1001}", "/q"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(world: World, run: Run, query: str, pointer: str) -> None:
    answer = ask(world, run, query)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_sealed_output_that_is_gone_is_an_error_and_not_an_empty_log(world: World, ended: Ended) -> None:
    write(ended.run, [(0, TEXT)], piece_bytes=65536)
    ended.seal()
    assert body(ask(world, ended.run, "", Accept="*/*")).encode() == TEXT
    ended.file().unlink()
    for query, accept in [
        ("", "*/*"),
        ("", "application/jsonl"),
        ("q=x", "application/json"),
        ("line=3&step=main", "*/*"),
    ]:
        answer = ask(world, ended.run, query, Accept=accept)
        assert (answer.status_code, answer.json()["code"]) == (500, "output_damaged")
    assert world.client("owner")("GET", f"/runs/{ended.run.pk}").json()["output_complete"] is False


def test_a_storage_that_is_away_is_not_taken_for_damage(world: World, ended: Ended, settings: Settings) -> None:
    write(ended.run, [(0, TEXT)], piece_bytes=65536)
    ended.seal()
    settings.OPSAAS_OUTPUT_DIR = ended.folder.parent / "elsewhere"
    answer = ask(world, ended.run, "", Accept="*/*")
    assert (answer.status_code, answer.json()["code"]) == (503, "output_not_reachable")
    assert Run.objects.get(pk=ended.run.pk).output_complete


@pytest.mark.parametrize("sealed", [False, True])
def test_retention_removes_old_output_and_keeps_the_run(
    world: World, ended: Ended, settings: Settings, sealed: bool
) -> None:
    write(ended.run, [(0, TEXT)], piece_bytes=65536)
    if sealed:
        ended.seal()
    young = world.started(ended.run.runbook)
    write(young, [(0, b"young\n")], piece_bytes=65536)
    later = timezone.now() + timedelta(days=31)
    Run.objects.filter(pk=young.pk).update(finished_at=later)
    assert remove_due(now=later) == 0
    settings.OPSAAS_OUTPUT_DAYS = 30
    assert remove_due(now=later) == 1
    assert remove_due(now=later) == 0
    assert list(ended.folder.rglob("*.zst")) == []
    assert not SealedOutput.objects.exists()
    assert list(OutputChunk.objects.values_list("run_id", flat=True)) == [young.pk]
    for query, accept in [("", "*/*"), ("", "application/jsonl"), ("q=x", "application/json")]:
        answer = ask(world, ended.run, query, Accept=accept)
        assert (answer.status_code, answer.json()["code"]) == (410, "output_removed")
    assert f"removed on {later:%-d %B %Y} by retention" in ask(world, ended.run, "", Accept="*/*").json()["detail"]
    told = world.client("owner")("GET", f"/runs/{ended.run.pk}").json()
    assert (told["status"], bool(told["output_removed_at"])) == ("succeeded", True)
    assert AuditEvent.objects.filter(action="run.output_removed", object_id=str(ended.run.pk)).count() == 1
    shown = world.browser("owner").get(f"/runs/{ended.run.pk}").content.decode()
    assert f"was removed on {later:%-d %B %Y} by retention" in shown
