"""Fetching the host key of a machine without a run: asked for on the page, seen by a worker, trusted by nobody yet."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from runbooks import outbox
from runbooks.access.fetch import NotAllowed
from runbooks.domain.ports import NotSeen, SeenHostKey, Target
from runbooks.models import AuditEvent, HostKey, Node
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.nodes.look_at_key import ask, look
from runbooks.usecases.secrets.read import StoredSecrets
from tests.keys import KEY, OTHER_KEY
from tests.web.helpers import main_text
from tests.world import World

PRINT = "SHA256:of-the-key"


@dataclass
class Door:
    """A mock at the port: shows KEY, or says why it does not."""

    key: str = KEY
    trouble: str = ""
    asked: list[Target] = field(default_factory=list)

    def host_key(self, target: Target) -> SeenHostKey:
        self.asked.append(target)
        if self.trouble:
            raise NotSeen(self.trouble)
        return SeenHostKey(name=target.name, host=target.host, port=target.port, key=self.key, fingerprint=PRINT)


@pytest.fixture
def node(world: World) -> Node:
    return Node.objects.create(project=world.project, name="web1", host="10.0.0.7", zone="dmz")


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str], str]]:
    sent: list[tuple[str, dict[str, str], str]] = []

    def publish(task: str, arguments: dict[str, str], *, zone: str = "") -> bool:
        sent.append((task, arguments, zone))
        return True

    monkeypatch.setattr(outbox, "_publish", publish)
    return sent


def asked(world: World, node: Node, *, by: str = "owner", **more: Any) -> None:
    ask(actor=world.actor(by), node=node, now=timezone.now(), **more)


def looked(node: Node, door: Door) -> Node:
    look(node_id=str(node.pk), looker=door, secrets=StoredSecrets(), clock=timezone.now)
    node.refresh_from_db()
    return node


def test_a_worker_of_the_nodes_zone_is_told_and_the_log_too(
    world: World, node: Node, hints: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        asked(world, node)
    assert hints == [(outbox.LOOK_AT_KEY, {"id": str(node.pk)}, "dmz")]
    event = AuditEvent.objects.get(action="host_key.looked_for")
    assert event.actor_name == "owner"
    assert json.loads(bytes(event.body))["details"] == {"host": "10.0.0.7", "port": 22}


def test_the_key_that_it_shows_is_seen_and_trusted_by_nobody(world: World, node: Node) -> None:
    asked(world, node)
    looked(node, Door())
    key = HostKey.objects.get()
    assert (key.node, key.key, key.state, key.decided_by) == (node, KEY, "seen", None)
    assert (
        node.key_found
        == f"It showed ssh-ed25519 {PRINT}. Compare it with the one on the machine itself, then accept it."
    )
    assert AuditEvent.objects.filter(action="host_key.seen").count() == 1


@pytest.mark.parametrize(
    ("state", "words"), [("accepted", "It is accepted already."), ("rejected", "It was rejected.")]
)
def test_a_key_that_was_decided_about_stays_so(world: World, node: Node, state: str, words: str) -> None:
    HostKey.objects.create(node=node, key=KEY, state=state, seen_at=timezone.now())
    asked(world, node)
    looked(node, Door())
    assert HostKey.objects.get().state == state
    assert words in str(node.key_found)


def test_a_machine_that_cannot_be_reached_is_told(world: World, node: Node) -> None:
    asked(world, node)
    looked(node, Door(trouble="web1 could not be reached: no answer in time."))
    assert node.key_found == "web1 could not be reached: no answer in time."
    assert not HostKey.objects.exists()


def test_fifty_copies_of_the_hint_knock_once(world: World, node: Node) -> None:
    asked(world, node)
    door = Door()
    for _ in range(50):
        looked(node, door)
    assert len(door.asked) == 1


def test_nobody_knocks_where_nobody_asked_or_long_after_or_at_an_archived_node(world: World, node: Node) -> None:
    door = Door()
    looked(node, door)
    asked(world, node)
    Node.objects.update(key_asked_at=timezone.now() - timedelta(hours=1))
    looked(node, door)
    Node.objects.update(key_asked_at=timezone.now(), archived_at=timezone.now())
    looked(node, door)
    assert door.asked == []


def test_nobody_can_have_a_machine_knocked_at_all_the_time(world: World, node: Node) -> None:
    asked(world, node)
    with pytest.raises(Conflict, match="a moment ago"):
        asked(world, node)
    Node.objects.update(key_asked_at=timezone.now() - timedelta(seconds=11))
    asked(world, node)


def test_the_way_goes_over_known_machines_only(world: World, node: Node) -> None:
    gate = Node.objects.create(project=world.project, name="gate", host="gate.example", private_key=world.secret())
    Node.objects.filter(pk=node.pk).update(jump=gate)
    node.refresh_from_db()
    with pytest.raises(NotAllowed, match="gate, whose host key nobody has accepted"):
        asked(world, node)
    HostKey.objects.create(node=gate, key=OTHER_KEY, state="accepted", seen_at=timezone.now())
    asked(world, node)
    door = Door()
    looked(node, door)
    [target] = door.asked
    assert target.jump is not None
    assert (target.jump.host, target.jump.host_keys) == ("gate.example", (OTHER_KEY,))
    assert target.jump.private_key == "correct-horse-battery"


def test_an_archived_node_is_not_asked(world: World, node: Node) -> None:
    Node.objects.update(archived_at=timezone.now())
    node.refresh_from_db()
    with pytest.raises(NotAllowed, match="archived"):
        asked(world, node)


def test_the_page_waits_and_then_shows_what_came_of_it(world: World, node: Node) -> None:
    browser, page = world.browser("owner"), f"/nodes/{node.pk}"
    assert "Fetch the key" in main_text(browser.get(page))
    assert browser.post(f"{page}/keys/look").status_code == 302
    assert browser.post(f"{page}/keys/look").status_code == 302
    waiting = browser.get(page)
    assert "A worker is looking" in main_text(waiting)
    assert b'hx-trigger="every 2s"' in waiting.content
    looked(node, Door())
    done = browser.get(page)
    assert f"It showed ssh-ed25519 {PRINT}." in main_text(done)
    assert "Fetch the key" in main_text(done)
    assert b'hx-trigger="every 2s"' not in done.content


def test_the_page_does_not_wait_for_ever(world: World, node: Node) -> None:
    asked(world, node)
    Node.objects.update(key_asked_at=timezone.now() - timedelta(minutes=2))
    text = main_text(world.browser("owner").get(f"/nodes/{node.pk}"))
    assert "No worker of the zone “dmz” has told what it saw: is one running?" in text


def test_the_api_asks_and_tells(world: World, node: Node) -> None:
    api, path = world.client("owner"), f"/nodes/{node.pk}"
    answer = api("POST", f"{path}/host-keys/look")
    assert (answer.status_code, answer.json()["key_looked_at"]) == (202, None)
    assert api("POST", f"{path}/host-keys/look").status_code == 409
    looked(node, Door())
    told = api("GET", path).json()
    assert told["key_looked_at"] >= told["key_asked_at"]
    assert told["key_found"].startswith("It showed ssh-ed25519")
