"""Whoever owns another project owns nothing of this one, by no address and by no name in a definition or a node."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone

from runbooks.domain.rights import ROLES
from runbooks.models import AuditEvent, HostKey, Node, Note, Project, Run, Runbook, StepRun
from runbooks.usecases.runs.note import add_note
from tests.keys import KEY, OTHER_KEY
from tests.test_permission_matrix import API
from tests.world import FakeExecutor, World, definition

MINE = "lending"
NOWHERE = "01a1fe28-f506-7072-84ed-407651982bf1"
STEP = {"id": "main", "interpreter": ["sh"], "script": "x", "timeout": "60s"}


@dataclass
class Theirs:
    """What there is in the project that is not ours."""

    book: Runbook
    run: Run
    node: Node
    key: HostKey
    step: StepRun
    note: Note


@pytest.fixture
def theirs(world: World) -> Theirs:
    """And `stranger` owns a project of their own."""
    mine = Project.objects.create(slug=MINE, title="Lending")
    world.give("stranger", mine, *ROLES["owner"])
    world.give("owner2", mine, *ROLES["owner"])
    world.secret("deploy")
    book = world.published(steps=[{"id": "look", "manual": {"ask": "Go on?"}}, STEP])
    run = world.executed(world.started(book), FakeExecutor())
    node = Node.objects.create(project=world.project, name="vault", host="10.0.0.7", tags=["web"])
    key = HostKey.objects.create(node=node, key=KEY, seen_at=timezone.now(), state="accepted")
    note = add_note(actor=world.actor("owner"), run=run, text="mind the gap", now=timezone.now())
    return Theirs(book, run, node, key, run.step_runs.get(step="look"), note)


def test_every_route_that_names_a_thing_answers_as_if_it_were_not_there(world: World, theirs: Theirs) -> None:
    """The paths of the permission matrix; a new route is asked here by being there."""
    call = world.client("stranger")
    names = {"run": theirs.run.pk, "step": theirs.step.pk, "node": theirs.node.pk, "key": theirs.key.pk}
    asked = 0
    for row in API:
        if not any(f"{{{name}}}" in row.path for name in names) and "payments" not in row.path:
            continue
        if row.path.startswith("audit/"):
            continue  # the installation's: refused before anything is looked for
        path, absent = row.path, row.path.replace("payments", "nothing")
        for name, pk in names.items():
            path, absent = path.replace(f"{{{name}}}", str(pk)), absent.replace(f"{{{name}}}", NOWHERE)
        body = {} if row.body is None else row.body
        answers = [call(row.method, f"/{one}", body) for one in (path, absent)]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert len({answer.json()["detail"] for answer in answers}) == 1, path
        asked += 1
    assert asked > 25
    theirs.run.refresh_from_db()
    theirs.key.refresh_from_db()
    assert (theirs.run.status, theirs.run.cancel_requested_at, theirs.key.state) == ("waiting", None, "accepted")


def test_no_list_and_no_search_shows_or_counts_it(world: World, theirs: Theirs) -> None:
    call = world.client("stranger")
    for path in ("/runs", "/nodes", "/secrets", "/runbooks", "/nodes?q=web", "/nodes?q=true", "/secrets?q=deploy"):
        assert call("GET", path).json()["results"] == [], path
    for path in ("/runs?runbook=payments/hello", "/nodes?project=payments", "/secrets?project=payments"):
        assert call("GET", path).json()["results"] == [], path
    page = world.browser("stranger").get("/nodes?q=web").content.decode()
    assert "vault" not in page


def mine(world: World, **spec: Any) -> dict[str, Any]:
    """A definition for our own project."""
    made = definition("grab", **spec)
    made["metadata"]["project"] = MINE
    return made


def published(world: World, made: dict[str, Any]) -> tuple[int, str]:
    """As far as it gets: written by the one owner and approved by the other. The status and text that ended it."""
    one, other = world.client("stranger"), world.client("owner2")
    book = f"/runbooks/{MINE}/grab"
    answer = one("PUT", f"{book}/draft", made)
    for name, call, body in [("submit", one, {}), ("review", other, {"verdict": "approve"}), ("publish", other, {})]:
        if answer.status_code >= 400:
            break
        digest = {"hash": one("GET", f"{book}/versions/1").json()["hash"]} if name == "review" else {}
        answer = call("POST", f"{book}/versions/1/{name}", {**body, **digest})
    return answer.status_code, answer.content.decode()


def test_a_definition_of_ours_gets_no_secret_of_theirs(world: World, theirs: Theirs) -> None:
    made = mine(world, steps=[{**STEP, "secrets": {"TOKEN": "payments/deploy"}}])
    world.give("runner", Project.objects.get(slug=MINE), *ROLES["owner"])  # who may not use it either
    book = f"/runbooks/{MINE}/grab"
    runner, stranger = world.client("runner"), world.client("stranger")
    assert runner("PUT", f"{book}/draft", made).status_code == 201
    digest = runner("GET", f"{book}/versions/1").json()["hash"]
    assert runner("POST", f"{book}/versions/1/submit", {}).status_code == 200
    refused = stranger("POST", f"{book}/versions/1/review", {"verdict": "approve", "hash": digest})
    absent = refused.content.decode()
    assert refused.status_code == 403
    assert "there is none, or you do not hold" in absent


def test_a_run_of_ours_goes_to_no_machine_of_theirs(world: World, theirs: Theirs) -> None:
    assert published(world, mine(world, targets={"select": "true"}))[0] == 200
    call = world.client("stranger")
    for body in ({}, {"targets": ["vault"]}, {"targets": ["payments/vault"]}, {"targets": [str(theirs.node.pk)]}):
        answer = call("POST", "/runs", {"runbook": f"{MINE}/grab", **body})
        assert answer.status_code == 400
        assert "10.0.0.7" not in answer.content.decode()


def test_a_parameter_of_ours_names_no_machine_of_theirs(world: World, theirs: Theirs) -> None:
    asks = [{"name": "host", "type": "node", "from": "true"}]
    assert published(world, mine(world, parameters=asks))[0] == 200
    call = world.client("stranger")
    answers = [
        call("POST", "/runs", {"runbook": f"{MINE}/grab", "parameters": {"host": name}}).json()["errors"][0]["detail"]
        for name in ("vault", "nowhere")
    ]
    assert answers[0].replace("vault", "X") == answers[1].replace("nowhere", "X")


def test_a_machine_of_ours_borrows_no_secret_and_no_way_of_theirs(world: World, theirs: Theirs) -> None:
    call = world.client("stranger")
    for field, there, absent in [
        ("password", "payments/deploy", "payments/none"),
        ("private_key", "payments/deploy", "nothing/none"),
        ("jump", "vault", "nowhere"),
    ]:
        told = [
            call("POST", "/nodes", {"project": MINE, "name": "web1", "host": "10.1.1.1", field: value})
            for value in (there, absent)
        ]
        assert [answer.status_code for answer in told] == [400, 400]
        details = [answer.json()["errors"][0]["detail"] for answer in told]
        assert details[0].replace(there, "X") == details[1].replace(absent, "X")
    taken = call("POST", "/nodes/import", {"project": MINE, "nodes": [{"name": "web1", "jump": "vault"}]})
    assert taken.status_code == 400
    added = call("POST", "/nodes/import", {"project": "payments", "nodes": [{"name": "vault", "host": "evil"}]})
    assert added.status_code == 404
    theirs.node.refresh_from_db()
    assert theirs.node.host == "10.0.0.7"


def test_a_machine_of_the_same_name_is_another_machine(world: World, theirs: Theirs) -> None:
    """Ours may be called as theirs is: neither sees what runs on the other."""
    made = world.client("stranger")("POST", "/nodes", {"project": MINE, "name": "vault", "host_keys": [OTHER_KEY]})
    assert made.status_code == 201
    key = made.json()["host_keys"][0]["id"]
    call = world.client("stranger")
    assert call("POST", f"/nodes/{theirs.node.pk}/host-keys/{key}/accept", {}).status_code == 404
    assert call("POST", f"/nodes/{made.json()['id']}/host-keys/{theirs.key.pk}/reject", {}).status_code == 404
    StepRun.objects.filter(pk=theirs.step.pk).update(node="vault")
    page = world.browser("stranger").get(f"/nodes/{made.json()['id']}").content.decode()
    assert str(theirs.run.pk) not in page


def test_a_runbook_of_ours_runs_none_of_theirs(world: World, theirs: Theirs) -> None:
    def refusal(path: str, slug: str) -> str:
        made = mine(world, steps=[{"id": "other", "runbook": {"path": path}}])
        made["metadata"]["slug"] = slug
        book, one, other = f"/runbooks/{MINE}/{slug}", world.client("stranger"), world.client("runner")
        world.give("runner", Project.objects.get(slug=MINE), *ROLES["owner"])
        assert one("PUT", f"{book}/draft", made).status_code == 201
        digest = one("GET", f"{book}/versions/1").json()["hash"]
        one("POST", f"{book}/versions/1/submit", {})
        other("POST", f"{book}/versions/1/review", {"verdict": "approve", "hash": digest})
        assert other("POST", f"{book}/versions/1/publish", {}).status_code == 200
        answer = one("POST", "/runs", {"runbook": f"{MINE}/{slug}"})
        assert answer.status_code == 403
        return str(answer.json()["detail"]).replace(path, "X")

    assert refusal("payments/hello", "one") == refusal("payments/absent", "two")


def test_a_file_of_theirs_is_not_taken_by_its_hash(world: World, theirs: Theirs) -> None:
    asks = [{"name": "list", "type": "file"}]
    given = {"name": "a.csv", "content": "aHVudGVyMg=="}
    run = world.started(world.published("files", parameters=asks), {"list": given})
    assert published(world, mine(world, parameters=asks))[0] == 200
    body = {"runbook": f"{MINE}/grab", "parameters": {"list": run.parameters["list"]}}
    answer = world.client("stranger")("POST", "/runs", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown_file")


def test_what_was_tried_is_in_the_log(world: World, theirs: Theirs) -> None:
    world.client("stranger")("GET", f"/runs/{theirs.run.pk}/log")
    world.client("stranger")("POST", f"/nodes/{theirs.node.pk}/host-keys", {"key": OTHER_KEY})
    denied = AuditEvent.objects.filter(outcome="denied", actor_name="stranger")
    assert set(denied.values_list("action", "object_id")) == {
        ("run.output_read", str(theirs.run.pk)),
        ("host_key.accepted", str(theirs.node.pk)),
    }
