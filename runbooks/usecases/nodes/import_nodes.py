"""Many machines at once, from a text or from a source: all of them, or none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.audit.record import record
from runbooks.domain.machines.inventory import read_inventory
from runbooks.domain.machines.nodes import NodeSpec
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import HostKeyState
from runbooks.domain.syntax.yaml_text import read_yaml
from runbooks.models import HostKey, Node, Project, Secret
from runbooks.usecases.nodes.credentials import WHERE, may_redirect
from runbooks.usecases.nodes.host_keys import saw_keys
from runbooks.usecases.nodes.write import described_node, jump_named, may_change_nodes

MOST_BYTES = 10 * 1024 * 1024
MOST_YAML_NODES = 200_000


@dataclass
class Imported:
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    unchanged: int = 0

    def __str__(self) -> str:
        parts = [f"{len(self.added)} added", f"{len(self.changed)} changed", f"{self.unchanged} unchanged"]
        return ", ".join([*parts, f"{len(self.archived)} archived"] if self.archived else parts) + "."

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.archived)


def import_text(
    *,
    actor: Actor,
    project: Project | None,
    text: str,
    secrets: Mapping[str, Secret | None] | None = None,
    now: datetime,
) -> Imported:
    """TEXT is YAML or JSON, of either form; all of it is signed in to by SECRETS. Raises NotAllowed and Invalid."""
    data = read_yaml(text.encode(), max_bytes=MOST_BYTES, max_nodes=MOST_YAML_NODES)
    return import_data(actor=actor, project=project, data=data, secrets=secrets, now=now)


def import_data(
    *,
    actor: Actor,
    project: Project | None,
    data: object,
    secrets: Mapping[str, Secret | None] | None = None,
    now: datetime,
) -> Imported:
    """By a person: what is there by hand is added to and changed, and nothing is archived."""
    decision = may_change_nodes(actor=actor, project=project, now=now)
    require(decision, action="inventory.imported", thing=project or installation())
    specs = read_inventory(data)
    with transaction.atomic():
        done = write_nodes(actor=actor, project=project, source="", specs=specs, now=now)
        _sign_in_by(actor=actor, project=project, specs=specs, secrets=secrets or {}, now=now)
        return done


def _sign_in_by(
    *,
    actor: Actor,
    project: Project | None,
    specs: Sequence[NodeSpec],
    secrets: Mapping[str, Secret | None],
    now: datetime,
) -> None:
    """Those that are signed in to by something else until now."""
    named = Node.objects.filter(project=project, name__in=[spec.name for spec in specs]).select_related("project")
    for node in named if secrets else ():
        if all(getattr(node, f"{name}_id") == (secret and secret.pk) for name, secret in secrets.items()):
            continue
        Node.objects.filter(pk=node.pk).update(**secrets, revision=F("revision") + 1)
        details = {name: secret.path if secret else "" for name, secret in secrets.items()}
        record(actor=actor, action="node.changed", thing=node, details={"changed": {}, **details}, now=now)


def write_nodes(
    *, actor: Actor | None, project: Project | None, source: str, specs: Sequence[NodeSpec], now: datetime
) -> Imported:
    """Must be called in a transaction. Of a SOURCE also what it no longer names is archived. Raises Invalid."""
    there = {node.name: node for node in _nodes_of(project)}
    _require_ours(specs=specs, there=there, source=source)
    done = Imported()
    for spec in specs:
        node = there.get(spec.name)
        if node is None:
            node = Node.objects.create(project=project, name=spec.name, source=source, **spec.stored)
            record(actor=actor, action="node.created", thing=node, details={**spec.stored, "source": source}, now=now)
            done.added.append(spec.name)
            there[spec.name] = node
        elif _changed(actor=actor, node=node, spec=spec, now=now):
            done.changed.append(spec.name)
        else:
            done.unchanged += 1
        _take_keys(actor=actor, node=node, spec=spec, source=source, now=now)
    _set_jumps(actor=actor, specs=specs, there=there, project=project, now=now)
    if source:
        named = {spec.name for spec in specs}
        done.archived = _archive(actor, [node for node in there.values() if node.name not in named], source, now)
    if done:
        details = {"source": source, "added": len(done.added), "changed": len(done.changed), "archived": done.archived}
        record(actor=actor, action="inventory.imported", thing=project or installation(), details=details, now=now)
    return done


def _nodes_of(project: Project | None) -> Iterable[Node]:
    return Node.objects.filter(project=project).select_related("jump", "project", "private_key", "password")


def _require_ours(*, specs: Sequence[NodeSpec], there: Mapping[str, Node], source: str) -> None:
    """One source never takes over what another, or a person, has put there."""
    problems = []
    for index, spec in enumerate(specs):
        node = there.get(spec.name)
        if node is not None and node.source != source:
            whose = f"the inventory “{node.source}”" if node.source else "a person"
            detail = f"The node “{spec.name}” is there already, from {whose}."
            problems.append(Problem(f"/nodes/{index}/name", "taken", detail))
    if problems:
        raise Invalid(problems)


def _changed(*, actor: Actor | None, node: Node, spec: NodeSpec, now: datetime) -> bool:
    before, after = described_node(node), {**spec.stored, "jump": spec.jump}
    changed = {name: [before[name], value] for name, value in after.items() if before[name] != value}
    if node.archived_at and node.source:
        changed["archived"] = [True, False]
    if not changed:
        return False
    if actor is not None and WHERE & changed.keys():
        require(may_redirect(actor=actor, node=node, now=now), action="node.changed", thing=node)
    back = {"archived_at": None} if "archived" in changed else {}
    Node.objects.filter(pk=node.pk).update(**spec.stored, **back, revision=F("revision") + 1)
    record(actor=actor, action="node.changed", thing=node, details={"changed": changed}, now=now)
    return True


def _take_keys(*, actor: Actor | None, node: Node, spec: NodeSpec, source: str, now: datetime) -> None:
    """A person pins keys by importing them. What a source says of keys is only seen: a person accepts it."""
    if source or actor is None:
        saw_keys(node=node, keys=spec.host_keys, now=now)
        return
    for text in spec.host_keys:
        pinned = {"seen_at": now, "state": HostKeyState.ACCEPTED, "decided_by": actor.user, "decided_at": now}
        key, new = HostKey.objects.get_or_create(node=node, key=text, defaults=pinned)
        if new:
            require(may_redirect(actor=actor, node=node, now=now), action="host_key.accepted", thing=node)
            record(actor=actor, action="host_key.accepted", thing=key, details={"key": text}, now=now)


def _set_jumps(
    *, actor: Actor | None, specs: Iterable[NodeSpec], there: Mapping[str, Node], project: Project | None, now: datetime
) -> None:
    """Last, since a machine may be named before the one that it is reached through."""
    for spec in specs:
        node = there[spec.name]
        old = node.jump.name if node.jump else ""
        if old != spec.jump:
            jump = jump_named(actor=actor, name=spec.jump, project=project, behind=node, now=now)
            Node.objects.filter(pk=node.pk).update(jump=jump)


def _archive(actor: Actor | None, nodes: Iterable[Node], source: str, now: datetime) -> list[str]:
    gone = [node for node in nodes if node.source == source and node.archived_at is None]
    for node in gone:
        Node.objects.filter(pk=node.pk).update(archived_at=now, revision=F("revision") + 1)
        details = {"changed": {"archived": [False, True]}, "source": source}
        record(actor=actor, action="node.changed", thing=node, details=details, now=now)
    return sorted(node.name for node in gone)
