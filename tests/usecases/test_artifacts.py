"""What scripts leave as artifacts: kept whole, named by what they hold, given out as downloads only."""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from runbooks.domain.ports import Lease, Outcome, OutcomeKind, OutputSink, Work
from runbooks.live.storage import storage
from runbooks.models import Artifact, AuditEvent, Delivery, Run, Runbook, RunEvent
from runbooks.usecases.runs.artifacts import MOST_ARTIFACTS
from runbooks.usecases.runs.remove_output import remove_output
from runbooks.usecases.runs.seal import remove_orphans
from tests.world import FakeExecutor, World, announced

DATA = bytes(range(256)) * 8192


@dataclass
class Leaving(FakeExecutor):
    """An executor whose script leaves these files."""

    files: dict[str, bytes] = field(default_factory=lambda: {"a/report.html": b"<script>", "big": DATA, "empty": b""})
    said: list[str] = field(default_factory=list)

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        assert work.artifacts
        for name, data in self.files.items():
            pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
            self.said.append(work.artifacts.keep(name=name, size=len(data), pieces=pieces))
        return Outcome(kind=OutcomeKind.EXITED, exit_code=0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.OPSAAS_OUTPUT_DIR = tmp_path / "kept"
    return tmp_path / "kept"


def left(world: World, executor: Leaving | None = None) -> Run:
    runbook = Runbook.objects.first() or world.published()
    return world.executed(world.started(runbook), executor or Leaving())


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_artifacts_are_listed_with_size_and_hash_and_come_out_as_they_were(world: World) -> None:
    run, runner = left(world), world.client("runner")
    found = {one["name"]: one for one in runner("GET", f"/runs/{run.pk}/artifacts").json()["results"]}
    assert found.keys() == {"a/report.html", "big", "empty"}
    assert (found["big"]["size"], found["big"]["sha256"]) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    for name, data in Leaving().files.items():
        assert body(runner("GET", f"/runs/{run.pk}/artifacts/{found[name]['id']}")) == data


def test_an_artifact_is_a_download_and_nothing_else(world: World) -> None:
    run = left(world, Leaving(files={'a/..\n"ü".html': b"<script>alert(1)</script>"}))
    answer = world.client("runner")("GET", f"/runs/{run.pk}/artifacts/{run.artifacts.get().pk}")
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert "\n" not in answer["Content-Disposition"]
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox;")


def test_reading_one_is_in_the_log(world: World) -> None:
    run = left(world)
    artifact = run.artifacts.first()
    assert artifact
    body(world.client("runner")("GET", f"/runs/{run.pk}/artifacts/{artifact.pk}"))
    event = AuditEvent.objects.get(action="run.artifact_read")
    assert (event.object_id, event.outcome) == (str(artifact.pk), "done")


def test_an_artifact_of_another_run_is_not_there(world: World) -> None:
    one, other = left(world), left(world)
    artifact = other.artifacts.first()
    assert artifact
    assert world.client("runner")("GET", f"/runs/{one.pk}/artifacts/{artifact.pk}").status_code == 404
    assert world.client("runner")("GET", f"/runs/{one.pk}/artifacts/nonsense").status_code == 404


def test_limits_are_told_and_what_fits_is_kept(world: World, settings: Any) -> None:
    settings.OPSAAS_ARTIFACTS_LIMIT_BYTES = 10
    executor = Leaving(files={"a": b"x" * 8, "b": b"x" * 3, "c": b"xx"})
    assert set(left(world, executor).artifacts.values_list("name", flat=True)) == {"a", "c"}
    assert executor.said == ["", "is not kept: it has 3 bytes, and those of a step may have 10 together", ""]
    many = Leaving(files={f"f{number}": b"" for number in range(MOST_ARTIFACTS + 1)})
    assert left(world, many).artifacts.count() == MOST_ARTIFACTS
    assert many.said[-1] == "is not kept: at most 100 of a step are"


def test_without_a_place_nothing_is_kept_and_that_is_said(world: World, settings: Any) -> None:
    settings.OPSAAS_OUTPUT_DIR = None
    executor = Leaving()
    assert left(world, executor).artifacts.count() == 0
    assert "no OPSAAS_OUTPUT_DIR" in executor.said[0]


def test_names_are_kept_as_they_were_given(world: World) -> None:
    run = left(world, Leaving(files={"\udcff\x1b[31m\u202egnp.exe": b"x"}))
    assert run.artifacts.get().name == "\\udcff\x1b[31m\u202egnp.exe"
    text = world.browser("runner").get(f"/runs/{run.pk}").content.decode()
    assert "\\udcff\\u001b[31m\\u202egnp.exe" in text
    assert "\u202e" not in text


def test_content_that_was_changed_is_not_given_out_whole(world: World, folder: Path) -> None:
    run = left(world, Leaving(files={"big": DATA}))
    artifact = run.artifacts.get()
    (folder / artifact.key).write_bytes(DATA[:-1] + b"!")
    pieces: list[bytes] = []
    with pytest.raises(Exception, match="hash differs"):
        pieces.extend(world.client("runner")("GET", f"/runs/{run.pk}/artifacts/{artifact.pk}").streaming_content)
    (folder / artifact.key).unlink()
    assert world.client("runner")("GET", f"/runs/{run.pk}/artifacts/{artifact.pk}").status_code >= 400


def test_artifacts_are_no_orphans_until_retention_takes_them(world: World) -> None:
    run, place = left(world), storage()
    assert place
    later = timezone.now() + timedelta(days=2)
    assert remove_orphans(now=later) == 0
    assert len(list(place.stored())) == 3
    remove_output(run=run, days=1, now=later)
    assert list(place.stored()) == []
    assert Artifact.objects.filter(run=run).count() == 3
    artifact = run.artifacts.first()
    assert artifact
    assert world.client("runner")("GET", f"/runs/{run.pk}/artifacts/{artifact.pk}").status_code == 410


def test_retention_cuts_the_end_of_the_output_out_of_messages(world: World) -> None:
    run, other = world.executed(world.started()), world.executed(world.started(world.published("other")))
    announced()
    told = Delivery.objects.filter(run=run)
    assert all("\n\nhello\n" in message.text for message in told)
    remove_output(run=run, days=1, now=timezone.now())
    assert told.count() == 2
    for message in told.all():
        assert "\n\nhello\n" not in message.text
        assert "runner ran payments/hello" in message.text
        assert message.text.endswith("until the output was removed.\n")
    assert all("\n\nhello\n" in message.text for message in Delivery.objects.filter(run=other))


def test_the_page_shows_artifacts_to_those_who_may_see_output(world: World) -> None:
    run = left(world)
    assert "report.html" in world.browser("runner").get(f"/runs/{run.pk}").content.decode()
    assert "report.html" not in world.browser("author").get(f"/runs/{run.pk}").content.decode()


SECRET = "correct-horse-battery"


@dataclass
class Telling(Leaving):
    """A script that got a secret, and marks another word as one."""

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        sink.write(b"::add-mask::made-up-while-running\n")
        return super().execute(work=work, sink=sink, lease=lease)


def with_secret(world: World) -> Runbook:
    world.secret("deploy", SECRET)
    uses = {"TOKEN": f"{world.project.slug}/deploy"}
    step = {"id": "main", "interpreter": ["sh"], "script": "x", "timeout": "60s", "secrets": uses}
    return world.published("telling", steps=[step])


@pytest.mark.parametrize(
    "data",
    [
        b"token=" + SECRET.encode(),
        b"x" * 995 + SECRET.encode() + b"x" * 3000,  # across the border of two pieces
        SECRET.encode(),
        base64.b64encode(b"user:" + SECRET.encode()),
        SECRET.encode().hex().encode(),
        b"made-up-while-running",
    ],
)
def test_an_artifact_that_holds_a_secret_is_not_kept(world: World, folder: Path, data: bytes) -> None:
    executor = Telling(files={"bundle": data, "clean": b"nothing in here"})
    run = world.executed(world.started(with_secret(world)), executor)
    assert [one.name for one in run.artifacts.all()] == ["clean"]
    assert executor.said == ["is not kept: it holds a secret of this run", ""]
    assert [path for path in folder.rglob("*") if path.is_file() and data in path.read_bytes()] == []


def test_an_artifact_is_not_named_by_a_secret(world: World) -> None:
    executor = Telling(files={f"logs/{SECRET}.txt": b"x", "clean": b"x"})
    run = world.executed(world.started(with_secret(world)), executor)
    assert [one.name for one in run.artifacts.all()] == ["clean"]
    assert SECRET not in str(list(RunEvent.objects.values_list("data", flat=True)))
