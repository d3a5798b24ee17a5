"""Who keeps the inventory does not thereby get its secrets: by their own machine, their own key, or another's way."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from runbooks.access.fetch import NotAllowed
from runbooks.domain.machines.nodes import NodeSpec
from runbooks.domain.problems import Invalid
from runbooks.models import Node
from runbooks.usecases.nodes.host_keys import accept, pin, reject, saw_keys
from runbooks.usecases.nodes.import_nodes import import_data
from runbooks.usecases.nodes.write import add_node, change_node
from tests.keys import KEY, OTHER_KEY
from tests.world import World


@pytest.fixture
def node(world: World) -> Node:
    """Of the owner, signed in to by a password. `keeper` may change nodes, and may not use secrets."""
    world.give("stranger", world.project, "review")
    spec = NodeSpec(name="db1", host="db1.example", host_keys=(KEY,))
    now, password = timezone.now(), world.secret("password")
    owner = world.actor("owner")
    return add_node(actor=owner, project=world.project, spec=spec, secrets={"password": password}, now=now)


Deed = Callable[[World, Node, str], object]


def change(**changes: object) -> Deed:
    return lambda world, node, who: change_node(
        actor=world.actor(who), node=node, changes=changes, revision=None, now=timezone.now()
    )


def imported(**fields: object) -> Deed:
    return lambda world, node, who: import_data(
        actor=world.actor(who), project=world.project, data=[{"name": node.name, **fields}], now=timezone.now()
    )


def pinned(world: World, node: Node, who: str) -> None:
    pin(actor=world.actor(who), node=node, text=OTHER_KEY, now=timezone.now())


def accepted(world: World, node: Node, who: str) -> None:
    saw_keys(node=node, keys=[OTHER_KEY], now=timezone.now())
    key = node.host_keys.get(key=OTHER_KEY)
    accept(actor=world.actor(who), key=key, now=timezone.now())


DEEDS: dict[str, Deed] = {
    "another machine": change(host="mine.example"),
    "another port of it": change(port=2222),
    "another account": change(user="root"),
    "a key of one's own": pinned,
    "a key that was seen": accepted,
    "another machine, imported": imported(host="mine.example"),
    "a key of one's own, imported": imported(host="db1.example", host_keys=[OTHER_KEY]),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_where_a_nodes_password_is_shown_is_decided_by_who_may_use_it(world: World, node: Node, deed: str) -> None:
    with pytest.raises(NotAllowed, match="by a secret"):
        DEEDS[deed](world, node, "stranger")
    node.refresh_from_db()
    assert (node.host, node.port, node.user) == ("db1.example", 22, "opsaas")
    assert set(node.host_keys.filter(state="accepted").values_list("key", flat=True)) == {KEY}
    DEEDS[deed](world, node, "owner")


def test_all_else_of_the_node_is_still_the_inventorys(world: World, node: Node) -> None:
    change(tags=["drained"], attributes={"env": "staging"})(world, node, "stranger")
    imported(host="db1.example", tags=["again"])(world, node, "stranger")
    [key] = saw_keys(node=node, keys=[OTHER_KEY], now=timezone.now())
    reject(actor=world.actor("stranger"), key=key, now=timezone.now())
    assert key.state == "rejected"


def test_by_a_secret_of_ones_own_one_may_aim_anywhere(world: World, node: Node) -> None:
    mine = world.secret("mine")
    world.give("stranger", mine, "use")
    by, now = world.actor("stranger"), timezone.now()
    changed = change_node(
        actor=by, node=node, changes={"host": "mine.example"}, secrets={"password": mine}, revision=None, now=now
    )
    assert changed.host == "mine.example"


@pytest.fixture
def bastion(world: World) -> Node:
    spec = NodeSpec(name="bastion", host="10.0.0.1")
    return add_node(actor=world.actor("admin"), project=None, spec=spec, now=timezone.now())


def through(world: World, who: str, jump: str) -> Node:
    spec = NodeSpec(name=f"behind-{jump}", host="10.9.9.9", jump=jump)
    return add_node(actor=world.actor(who), project=world.project, spec=spec, now=timezone.now())


@pytest.mark.usefixtures("bastion")
def test_nobody_goes_through_a_shared_machine_that_they_may_not_use(world: World, node: Node) -> None:
    """And it answers as one that does not exist."""
    told = []
    for jump in ("bastion", "nowhere"):
        with pytest.raises(Invalid) as refused:
            through(world, "owner", jump)
        told.append(str(refused.value).replace(jump, "X"))
    assert told[0] == told[1]
    with pytest.raises(Invalid):
        change(jump="bastion")(world, node, "owner")
    with pytest.raises(Invalid):
        imported(host="db1.example", jump="bastion")(world, node, "owner")


def test_who_may_use_it_goes_through_it(world: World, bastion: Node) -> None:
    world.give("owner", bastion, "use")
    assert through(world, "owner", "bastion").jump == bastion


def test_a_way_that_stays_is_not_asked_about_again(world: World, bastion: Node) -> None:
    world.give("owner", bastion, "use")
    node = through(world, "owner", "bastion")
    world.give("owner2", world.project, "review")
    assert change_node(
        actor=world.actor("owner2"), node=node, changes={"tags": ["x"]}, revision=None, now=timezone.now()
    ).tags == ["x"]
