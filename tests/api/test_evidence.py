"""The evidence of a run: complete, by hashes, for auditors and owners."""

import hashlib

from runbooks.models import AuditEvent
from tests.world import World


def test_the_evidence_tells_plan_content_reviews_output_and_audit(world: World) -> None:
    run = world.executed(world.started())
    world.client("runner")("POST", f"/runs/{run.pk}/notes", {"text": "all fine"})
    answer = world.client("owner")("GET", f"/runs/{run.pk}/evidence")
    told = answer.json()
    assert answer["Content-Disposition"] == f'attachment; filename="evidence-{run.pk}.json"'
    assert told["run"]["plan_hash"] == run.plan_hash
    assert told["plan"]["version"] == told["version"]["hash"] == run.version.hash
    assert told["version"]["definition"]["metadata"]["slug"] == "hello"
    assert [review["by"] for review in told["version"]["reviews"]] == ["owner"]
    assert told["output"] == {"bytes": 6, "complete": True, "sha256": hashlib.sha256(b"hello\n").hexdigest()}
    assert [note["text"] for note in told["notes"]] == ["all fine"]
    actions = [event["action"] for event in told["audit"]]
    assert actions[:2] == ["run.requested", "run.started"]
    assert {"run.finished", "run.noted", "run.evidence_read"} <= set(actions)
    assert [step["step"] for step in told["steps"]] == ["main"]


def test_who_may_not_see_output_gets_hashes_in_place_of_words(world: World) -> None:
    run = world.executed(world.started())
    world.client("runner")("POST", f"/runs/{run.pk}/notes", {"text": "all fine"})
    world.give("stranger", world.project, "view", "review", "grant")
    [note] = world.client("stranger")("GET", f"/runs/{run.pk}/evidence").json()["notes"]
    assert note["sha256"] == hashlib.sha256(b"all fine").hexdigest()
    assert "text" not in note


def test_it_is_not_for_everybody_and_reading_it_is_in_the_log(world: World) -> None:
    run = world.executed(world.started())
    refused = world.client("runner")("GET", f"/runs/{run.pk}/evidence")
    assert refused.status_code == 403
    assert "for those who hold “audit”" in refused.json()["reasons"][0]
    world.client("owner")("GET", f"/runs/{run.pk}/evidence")
    outcomes = AuditEvent.objects.filter(action="run.evidence_read").values_list("outcome", flat=True)
    assert sorted(outcomes) == ["denied", "done"]
