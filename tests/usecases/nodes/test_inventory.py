"""Machines: who may add and change them, who sees them, and who decides about their keys."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from runbooks.access.fetch import NotAllowed, installation
from runbooks.access.rights import rights_on
from runbooks.domain.machines.nodes import NodeSpec
from runbooks.domain.problems import Invalid
from runbooks.models import AuditEvent, Grant, HostKey, Node
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.grants.grant import grant
from runbooks.usecases.nodes.host_keys import MOST_SEEN, accept, pin, reject, saw_keys
from runbooks.usecases.nodes.write import add_node, change_node
from tests.keys import KEY, OTHER_KEY, host_key
from tests.world import World


def added(world: World, name: str = "web1", *, by: str = "owner", shared: bool = False, jump: str = "") -> Node:
    spec = NodeSpec(name=name, host=name, jump=jump)
    project = None if shared else world.project
    return add_node(actor=world.actor(by), project=project, spec=spec, now=timezone.now())


def test_an_owner_adds_a_node_and_the_log_tells_of_it(world: World) -> None:
    node = added(world)
    event = AuditEvent.objects.get(action="node.created")
    assert (node.path, event.object_name, event.actor_name) == ("payments/web1", "payments/web1", "owner")


@pytest.mark.parametrize("who", ["runner", "author", "auditor", "stranger"])
def test_others_do_not(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        added(world, by=who)
    with pytest.raises(NotAllowed):
        added(world, by=who, shared=True)


def test_a_name_is_never_given_twice_not_even_after_archiving(world: World) -> None:
    node, now = added(world), timezone.now()
    change_node(actor=world.actor("owner"), node=node, changes={"archived": True}, revision=None, now=now)
    with pytest.raises(Conflict, match="never given twice"):
        added(world)
    added(world, shared=True, by="admin")
    with pytest.raises(Conflict):
        added(world, shared=True, by="admin")


def test_who_read_an_older_revision_changes_nothing(world: World) -> None:
    client, node = world.client("owner"), added(world)
    read = client("get", f"/nodes/{node.pk}")
    first = client("patch", f"/nodes/{node.pk}", {"port": 2222}, headers={"If-Match": read.headers["ETag"]})
    second = client("patch", f"/nodes/{node.pk}", {"port": 2223}, headers={"If-Match": read.headers["ETag"]})
    assert (first.status_code, second.status_code) == (200, 412)
    assert client("get", f"/nodes/{node.pk}").json()["port"] == 2222
    assert AuditEvent.objects.filter(action="node.changed").count() == 1


def test_a_right_to_use_shows_the_node_and_nothing_around_it(world: World) -> None:
    node, shared = added(world), added(world, "shared1", shared=True, by="admin")
    assert world.client("stranger")("get", "/nodes").json()["results"] == []
    assert world.client("stranger")("get", f"/nodes/{node.pk}").status_code == 404
    world.give("stranger", shared, "use")
    listed = world.client("stranger")("get", "/nodes").json()["results"]
    assert [one["name"] for one in listed] == ["shared1"]
    assert world.client("stranger")("get", "/runbooks").json()["results"] == []
    world.give("stranger", world.project, "use")
    assert len(world.client("stranger")("get", "/nodes").json()["results"]) == 2
    assert world.client("stranger")("get", f"/projects/{world.project.slug}").status_code == 404


def test_rights_flow_from_installation_and_project_to_nodes(world: World) -> None:
    node, shared, now = added(world), added(world, "s", shared=True, by="admin"), timezone.now()
    assert "use" in rights_on(actor=world.actor("owner"), place=node, now=now)
    assert "use" not in rights_on(actor=world.actor("owner"), place=shared, now=now)
    world.give("runner", installation(), "use")
    assert "use" in rights_on(actor=world.actor("runner"), place=shared, now=now)


def test_a_grant_on_a_node_by_name_gives_what_one_holds(world: World) -> None:
    added(world)
    body = {"principal": "user:runner", "object": "node:payments/web1", "rights": ["use"]}
    made = world.client("owner")("post", "/grants", body)
    assert (made.status_code, made.json()["object"]) == (201, "node:payments/web1")
    assert "node:payments/web1" in {g["object"] for g in world.client("runner")("get", "/grants").json()["results"]}
    refused = world.client("owner")("post", "/grants", {**body, "rights": ["run"]})
    assert refused.json()["errors"][0]["pointer"] == "/rights/0"
    assert world.client("author")("post", "/grants", body).status_code == 403


def test_who_does_not_hold_use_can_not_hand_it_out(world: World) -> None:
    shared = added(world, shared=True, by="admin")
    world.give("owner", shared, "view")
    who, now = world.user("runner"), timezone.now()
    with pytest.raises(NotAllowed):
        grant(actor=world.actor("owner"), principal=who, place=shared, rights=["use"], now=now)


def test_a_key_is_seen_then_accepted_and_may_be_taken_back(world: World) -> None:
    node, now = added(world), timezone.now()
    saw_keys(node=node, keys=[KEY, KEY, "ssh-dss AAAA"], now=now)
    key = node.host_keys.get()
    assert key.state == "seen"
    with pytest.raises(NotAllowed):
        accept(actor=world.actor("author"), key=key, now=now)
    accept(actor=world.actor("owner"), key=key, now=now)
    with pytest.raises(Conflict):
        accept(actor=world.actor("owner"), key=key, now=now)
    reject(actor=world.actor("owner"), key=key, now=now)
    key.refresh_from_db()
    assert (key.state, key.decided_by) == ("rejected", world.user("owner"))
    told = list(AuditEvent.objects.filter(object_type="host_key", outcome="done").values_list("action", flat=True))
    assert told == ["host_key.seen", "host_key.accepted", "host_key.rejected"]


def test_a_known_key_can_be_pinned_at_once(world: World) -> None:
    node, now = added(world), timezone.now()
    saw_keys(node=node, keys=[OTHER_KEY], now=now)
    pin(actor=world.actor("owner"), node=node, text=f"web1 {OTHER_KEY}", now=now)
    pin(actor=world.actor("owner"), node=node, text=KEY, now=now)
    assert set(node.host_keys.values_list("state", flat=True)) == {"accepted"}


def test_one_that_shows_another_key_each_time_does_not_fill_the_table(world: World) -> None:
    node = added(world)
    saw_keys(node=node, keys=[host_key(chr(40 + n)) for n in range(MOST_SEEN + 5)], now=timezone.now())
    assert node.host_keys.count() == MOST_SEEN


def test_a_way_through_other_machines_has_an_end(world: World) -> None:
    gate = added(world, "gate")
    node = added(world, jump="gate")
    assert node.jump == gate
    with pytest.raises(Invalid, match="circle"):
        change_node(actor=world.actor("owner"), node=gate, changes={"jump": "web1"}, revision=None, now=timezone.now())
    with pytest.raises(Invalid, match="no node"):
        added(world, "web2", jump="nowhere")


def refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError:
        return True
    return False


def test_the_database_keeps_nodes_keys_and_grants(world: World) -> None:
    node = added(world)
    HostKey.objects.create(node=node, key=KEY, seen_at=timezone.now(), state="accepted")
    world.give("runner", node, "use")
    for table, column in [("node", "name"), ("hostkey", "key"), ("grant", "limits"), ("grant", "node_id")]:
        assert refused(f"DELETE FROM runbooks_{table}"), table
        assert refused(f"UPDATE runbooks_{table} SET {column} = {column}"), column
    assert refused("UPDATE runbooks_hostkey SET state = 'seen'")
    assert not refused("UPDATE runbooks_hostkey SET state = 'rejected'")
    assert Grant.objects.filter(node=node).exists()


def test_a_limited_grant_is_handed_on_with_the_same_limits_only(world: World) -> None:
    shared = added(world, shared=True, by="admin")
    body = {"object": f"node:{shared.name}", "rights": ["use"], "limits": {"nodes": "env=staging"}}
    made = world.client("admin")("POST", "/grants", {**body, "principal": "user:owner"})
    assert (made.status_code, made.json()["limits"]) == (201, {"nodes": "env=staging"})
    world.give("owner", installation(), "grant")
    owner, runner = world.client("owner"), {**body, "principal": "user:runner"}
    assert owner("POST", "/grants", {**runner, "limits": {}}).status_code == 403
    assert owner("POST", "/grants", {**runner, "limits": {"nodes": "*"}}).status_code == 403
    assert owner("POST", "/grants", runner).status_code == 201


@pytest.mark.parametrize(
    ("limits", "rights"),
    [({"values": {}}, ["use"]), ({"nodes": "name ="}, ["use"]), ({"nodes": 5}, ["use"]), ({"nodes": "web"}, ["view"])],
)
def test_limits_that_make_no_sense_are_refused(world: World, limits: dict[str, object], rights: list[str]) -> None:
    body = {"principal": "user:runner", "object": "project:payments", "rights": rights, "limits": limits}
    assert world.client("owner")("POST", "/grants", body).status_code == 400


def test_a_node_is_signed_in_to_by_secrets_that_its_owner_may_use(world: World) -> None:
    node, owner = added(world), world.client("owner")
    secret = owner("POST", "/secrets", {"project": "payments", "slug": "deploy", "title": "Deploy", "value": "x" * 20})
    assert secret.status_code == 201
    changed = owner("PATCH", f"/nodes/{node.pk}", {"private_key": "payments/deploy"})
    assert (changed.status_code, changed.json()["private_key"]) == (200, "payments/deploy")
    refused = owner("PATCH", f"/nodes/{node.pk}", {"password": "payments/none"})
    assert refused.json()["errors"][0]["pointer"] == "/password"
    assert owner("PATCH", f"/nodes/{node.pk}", {"private_key": ""}).json()["private_key"] is None
