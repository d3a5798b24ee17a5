"""Host keys: what a machine showed, and who decided that it is the machine's own."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.audit.record import record
from runbooks.domain.machines.nodes import clean_host_key
from runbooks.domain.problems import Invalid
from runbooks.domain.states import HOST_KEY_MOVES, HostKeyState
from runbooks.models import HostKey, Node
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.nodes.credentials import may_redirect
from runbooks.usecases.nodes.write import may_change_nodes

MOST_SEEN = 20  # undecided keys of one machine: one that shows another each time must not fill the table


def accept(*, actor: Actor, key: HostKey, now: datetime) -> None:
    """Pins it: from now on who shows it is this machine. Raises NotAllowed and Conflict."""
    _decide(actor=actor, key=key, state=HostKeyState.ACCEPTED, now=now)


def reject(*, actor: Actor, key: HostKey, now: datetime) -> None:
    """Also takes back that it was accepted. Raises NotAllowed and Conflict."""
    _decide(actor=actor, key=key, state=HostKeyState.REJECTED, now=now)


def pin(*, actor: Actor, node: Node, text: str, now: datetime) -> HostKey:
    """Accepts a key that is known from elsewhere. Raises NotAllowed, Invalid and Conflict."""
    decision = may_change_nodes(actor=actor, project=node.project, now=now)
    require(decision, action="host_key.accepted", thing=node)
    require(may_redirect(actor=actor, node=node, now=now), action="host_key.accepted", thing=node)
    plain = clean_host_key(text)
    with transaction.atomic():
        key, _ = HostKey.objects.get_or_create(node=node, key=plain, defaults={"seen_at": now})
        if key.state != HostKeyState.ACCEPTED:
            _decide(actor=actor, key=key, state=HostKeyState.ACCEPTED, now=now)
    return key


def saw_keys(*, node: Node, keys: Iterable[str], now: datetime) -> list[HostKey]:
    """Writes down keys that a machine has shown and that nobody has decided about. Trusts nothing."""
    known = set(node.host_keys.values_list("key", flat=True))
    room = MOST_SEEN - node.host_keys.filter(state=HostKeyState.SEEN).count()
    made: list[HostKey] = []
    for key in _sound(keys):
        if key in known or len(made) >= room:
            continue
        with transaction.atomic():
            row, new = HostKey.objects.get_or_create(node=node, key=key, defaults={"seen_at": now})
            if new:
                record(actor=None, action="host_key.seen", thing=row, now=now)
                made.append(row)
    return made


def _sound(keys: Iterable[str]) -> Iterable[str]:
    for key in keys:
        try:
            yield clean_host_key(key)
        except Invalid:
            continue  # a kind that we don't pin


def _decide(*, actor: Actor, key: HostKey, state: HostKeyState, now: datetime) -> None:
    action = f"host_key.{state}"
    require(may_change_nodes(actor=actor, project=key.node.project, now=now), action=action, thing=key)
    if state is HostKeyState.ACCEPTED:
        require(may_redirect(actor=actor, node=key.node, now=now), action=action, thing=key)
    before = [old for old, news in HOST_KEY_MOVES.items() if state in news]
    with transaction.atomic():
        open_ones = HostKey.objects.filter(pk=key.pk, state__in=before)
        if not open_ones.update(state=state, decided_by=actor.user, decided_at=now):
            raise Conflict(f"This key is {state} already.", code="already_decided")
        record(actor=actor, action=action, thing=key, details={"key": key.key}, now=now)
    key.refresh_from_db()
