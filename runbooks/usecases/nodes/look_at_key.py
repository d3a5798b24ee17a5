"""The host key of a machine, without a run: somebody asks for it, a worker near the machine goes to see it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from runbooks import outbox
from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.audit.record import record
from runbooks.domain.policy import Decision, unless
from runbooks.domain.ports import KeyLooker, NoSecret, NotSeen, Secrets, SeenHostKey
from runbooks.domain.states import HostKeyState
from runbooks.models import Node
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.nodes.host_keys import MOST_SEEN, saw_keys
from runbooks.usecases.nodes.resolve import accepted_keys, way_to, with_ways
from runbooks.usecases.nodes.target import target_along, way_along
from runbooks.usecases.nodes.write import may_change_nodes

ACTION = "host_key.looked_for"
AGAIN_AFTER = timedelta(seconds=10)  # nobody is to knock at a machine's door all the time
NOT_AFTER = timedelta(minutes=5)  # a worker that was away for so long does not surprise anybody with it

_COMES_TO = {
    HostKeyState.ACCEPTED: "It is accepted already.",
    HostKeyState.REJECTED: "It was rejected.",
    HostKeyState.SEEN: "Compare it with the one on the machine itself, then accept it.",
}


def may_look(*, actor: Actor, node: Node, now: datetime) -> Decision:
    """What is on the way has to be known: a sign-in there gives away a password, or the use of a key."""
    archived = "This node is archived: put it back into service first." if node.archived_at else None
    return may_change_nodes(actor=actor, project=node.project, now=now) & unless(archived, _unknown_way(node))


def ask(*, actor: Actor, node: Node, now: datetime) -> None:
    """A worker of the node's zone goes to see its key, soon. Raises NotAllowed and Conflict."""
    require(may_look(actor=actor, node=node, now=now), action=ACTION, thing=node)
    with transaction.atomic():
        mine = Node.objects.filter(Q(key_asked_at=None) | Q(key_asked_at__lt=now - AGAIN_AFTER), pk=node.pk)
        if not mine.update(key_asked_at=now):
            raise Conflict("Somebody asked for it a moment ago: wait for what comes of it.", code="asked_already")
        record(actor=actor, action=ACTION, thing=node, details={"host": node.host, "port": node.port}, now=now)
        outbox.hint_key_look(node.pk, zone=node.zone)
    node.refresh_from_db()


def look(*, node_id: str, looker: KeyLooker, secrets: Secrets, clock: Callable[[], datetime]) -> None:
    """Goes there, if somebody waits for it and nobody else has gone. Trusts nothing."""
    node = _taken(node_id, now=clock())
    if node is None:
        return
    try:
        target = target_along(way_along(node), secrets=secrets)
        assert target is not None
        found = _noted(node=node, seen=looker.host_key(target), now=clock())
    except (NotSeen, NoSecret) as error:
        found = str(error)
    Node.objects.filter(pk=node.pk).update(key_found=found)


def _taken(node_id: str, *, now: datetime) -> Node | None:
    """One of however many hints arrive."""
    waiting = Node.objects.filter(
        Q(key_looked_at=None) | Q(key_looked_at__lt=F("key_asked_at")),
        pk=UUID(node_id),
        key_asked_at__gte=now - NOT_AFTER,
        archived_at=None,
    )
    if not waiting.update(key_looked_at=now, key_found=None):
        return None
    return Node.objects.select_related("project").get(pk=node_id)


def _noted(*, node: Node, seen: SeenHostKey, now: datetime) -> str:
    saw_keys(node=node, keys=[seen.key], now=now)
    key = node.host_keys.filter(key=seen.key).first()
    shown = f"It showed {seen.key.partition(' ')[0]} {seen.fingerprint}."
    if key is None:
        return (
            f"{shown} It was not taken down: {MOST_SEEN} keys wait for a decision already, or it is of a kind not used."
        )
    return f"{shown} {_COMES_TO[HostKeyState(key.state)]}"


def _unknown_way(node: Node) -> str | None:
    every = with_ways([node])
    known = accepted_keys(every)
    strange = [hop.name for hop in way_to(node, every) if hop.pk not in known]
    if not strange:
        return None
    return f"The way to it goes through {', '.join(strange)}, whose host key nobody has accepted yet."
