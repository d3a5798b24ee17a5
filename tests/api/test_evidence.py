"""The evidence of a run: complete, by hashes, for auditors and owners."""

import base64
import hashlib

from runbooks.audit import verifier
from runbooks.domain.manifest import canonical
from runbooks.domain.merkle import leaf_hash, root_of_inclusion
from runbooks.models import AuditEvent
from tests.audit.trees import KEY, add_events, checkpointed
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


def test_the_evidence_proves_that_its_events_are_in_the_log(world: World) -> None:
    run = world.executed(world.started())
    assert world.client("owner")("GET", f"/runs/{run.pk}/evidence").json()["integrity"]["checkpoint"] is None
    made = checkpointed()
    add_events(world, count=3)
    told = world.client("owner")("GET", f"/runs/{run.pk}/evidence").json()
    checkpoint = verifier.read_checkpoint(told["integrity"]["checkpoint"])
    assert (checkpoint.size, told["integrity"]["public_keys"]) == (made.size, [str(KEY.public())])
    proofs = {proof["seq"]: proof for proof in told["integrity"]["proofs"]}
    unsigned = told["integrity"]["not_signed_yet"]
    assert [event["seq"] for event in told["audit"]] == [*proofs, *unsigned]
    for event in told["audit"]:
        if (seq := event.pop("seq")) in proofs:
            leaf = leaf_hash(canonical(event))
            path = [base64.b64decode(one) for one in proofs[seq]["path"]]
            assert root_of_inclusion(seq=seq, size=made.size, leaf=leaf, proof=path) == checkpoint.root


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
