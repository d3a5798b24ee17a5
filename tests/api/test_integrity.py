"""The log proves itself over the API: what it answers is enough to verify it away from the server."""

import base64
import hashlib
import json
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from runbooks.access.fetch import installation
from runbooks.audit import verifier
from runbooks.domain.merkle import node_hash, root_of_inclusion
from runbooks.domain.signed_notes import COSIGNATURE, cosign, new_signing_key, read_signing_key
from runbooks.models import AuditCosignature, AuditEvent, AuditLeaf
from tests.audit.trees import KEY, add_events, checkpointed
from tests.world import Api, World

WITNESS = read_signing_key(new_signing_key("witness.example.org/w1"))
pytestmark = pytest.mark.usefixtures("world")


def auditor(world: World) -> Api:
    world.give("auditor", installation(), "audit")
    return world.client("auditor")


def raw(text: str) -> bytes:
    return base64.b64decode(text)


def test_an_event_is_proven_to_be_under_the_latest_checkpoint(world: World) -> None:
    world.published()
    add_events(world, count=20)
    made = checkpointed()
    add_events(world)
    api = auditor(world)
    shown = next(one for one in api("GET", "/audit/events").json()["results"] if one["seq"] == made.size - 1)
    proof = api("GET", f"/audit/leaves/{shown.pop('seq')}/inclusion").json()
    body = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    leaf = hashlib.sha256(b"\0" + body).digest()
    assert raw(proof["leaf"]) == leaf
    path = [raw(one) for one in proof["path"]]
    reached = root_of_inclusion(seq=proof["seq"], size=proof["size"], leaf=leaf, proof=path)
    latest = api("GET", "/audit/checkpoint").json()
    assert reached == raw(proof["root"]) == raw(latest["root"]) == verifier.read_checkpoint(latest["note"]).root


def test_two_checkpoints_are_proven_to_be_of_one_log(world: World) -> None:
    first = checkpointed()
    add_events(world, count=3)
    second = checkpointed()
    proof = auditor(world)("GET", f"/audit/consistency?from={first.size}&to={second.size}").json()
    assert raw(proof["from"]["root"]) == bytes(first.root)
    assert raw(proof["to"]["root"]) == bytes(second.root)
    assert consistent(first.size, second.size, proof) is True
    proof["path"][-1] = proof["path"][0]
    assert consistent(first.size, second.size, proof) is False


def consistent(old: int, new: int, proof: dict[str, Any]) -> bool:
    """RFC 9162, 2.1.4.2, as it is written there."""
    path, first = [raw(one) for one in proof["path"]], raw(proof["from"]["root"])
    if old & (old - 1) == 0:
        path.insert(0, first)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == first and sr == raw(proof["to"]["root"]) and sn == 0


def test_the_whole_log_is_taken_along_by_who_audits_all_of_it_and_that_is_logged(world: World) -> None:
    checkpointed()
    assert world.client("auditor")("GET", "/audit/export").status_code == 403
    answer = auditor(world)("GET", "/audit/export")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    report = verifier.verify(map(json.loads, lines), keys=[verifier.read_key(str(KEY.public()))])
    assert report.whole
    assert report.events == AuditEvent.objects.count()
    assert (
        AuditEvent.objects.filter(action="audit.exported", outcome="done", actor_name__startswith="auditor").count()
        == 1
    )


def test_keys_are_published_in_both_of_their_forms(world: World) -> None:
    checkpointed()
    (one,) = auditor(world)("GET", "/audit/keys").json()["results"]
    assert (one["key"], one["cosignature_key"]) == (str(KEY.public()), str(KEY.public(COSIGNATURE)))


def test_an_auditor_of_one_project_gets_no_leaf_of_another(world: World) -> None:
    checkpointed()
    world.client("admin")("POST", "/projects", {"slug": "secret", "title": "Secret"})
    checkpointed()
    event = AuditEvent.objects.get(action="project.created")
    seq = AuditLeaf.objects.get(event_id=event.pk).seq
    for path in (f"/audit/leaves/{seq}", f"/audit/leaves/{seq}/inclusion"):
        assert world.client("auditor")("GET", path).status_code == 404
        assert auditor(world)("GET", path).status_code == 200
        world.user("auditor").grants.filter(project=None).update(revoked_at=timezone.now())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/audit/checkpoints/999", 404),
        (f"/audit/checkpoints/{10**30}", 404),
        ("/audit/leaves/999", 404),
        (f"/audit/leaves/{10**30}/inclusion", 404),
        ("/audit/leaves/0/inclusion?size=999", 400),
        ("/audit/leaves/1/inclusion?size=1", 400),
        ("/audit/consistency?from=9&to=2", 400),
        ("/audit/consistency?from=1&to=999999", 400),
        ("/audit/consistency?from=x", 400),
        ("/audit/consistency?from=1", 200),
        ("/audit/checkpoints?limit=1", 200),
    ],
)
def test_what_is_not_there_and_what_makes_no_sense_is_told_apart(world: World, path: str, status: int) -> None:
    add_events(world, count=3)
    checkpointed()
    assert auditor(world)("GET", path).status_code == status


@override_settings(OPSAAS_AUDIT_WITNESSES=(WITNESS.public(COSIGNATURE),))
def test_a_witness_cosigns_and_whoever_takes_the_checkpoint_sees_it(world: World) -> None:
    made, api, now = checkpointed(), auditor(world), timezone.now()
    body = made.note[: made.note.rindex("\n\n") + 1]
    line = str(cosign(body, key=WITNESS, at=now))
    events = AuditEvent.objects.count()
    for _ in range(2):
        answer = api("POST", f"/audit/checkpoints/{made.size}/cosignatures", {"lines": f"{line}\n"})
        assert answer.status_code == 200, answer.json()
    assert AuditCosignature.objects.get().received_from.startswith("auditor")
    assert AuditEvent.objects.count() == events, "or each cosignature would ask for the next"
    assert line in api("GET", "/audit/checkpoint").json()["note"]
    lines = b"".join(api("GET", "/audit/export").streaming_content).decode().splitlines()
    keys = [verifier.read_key(str(key)) for key in (KEY.public(), WITNESS.public(COSIGNATURE))]
    assert verifier.verify(map(json.loads, lines), keys=keys).cosigned == {"witness.example.org/w1"}


@override_settings(OPSAAS_AUDIT_WITNESSES=(WITNESS.public(COSIGNATURE),))
@pytest.mark.parametrize("harm", ["another key", "another checkpoint", "no signature", "nothing"])
def test_what_no_witness_said_of_this_checkpoint_is_refused(world: World, harm: str) -> None:
    made = checkpointed()
    body = made.note[: made.note.rindex("\n\n") + 1]
    other = read_signing_key(new_signing_key(WITNESS.name))
    lines = {
        "another key": str(cosign(body, key=other, at=timezone.now())),
        "another checkpoint": str(cosign(body.replace("\n", "\n1", 1), key=WITNESS, at=timezone.now())),
        "no signature": "words",
        "nothing": "",
    }
    answer = auditor(world)("POST", f"/audit/checkpoints/{made.size}/cosignatures", {"lines": lines[harm]})
    assert answer.status_code == 400
    assert not AuditCosignature.objects.exists()
