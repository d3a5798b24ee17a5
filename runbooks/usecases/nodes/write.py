"""Adding, changing and archiving machines."""

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.access.node_reach import holds_use
from runbooks.access.rights import described, restrict_projects, rights_on
from runbooks.audit.record import record
from runbooks.domain.machines.nodes import NodeSpec, clean_node
from runbooks.domain.policy import Decision, node_change_of
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import HostKeyState
from runbooks.models import HostKey, Node, Project, Secret
from runbooks.usecases.conflict import Conflict, Stale
from runbooks.usecases.nodes.credentials import WHERE, may_redirect

MOST_JUMPS = 4


def may_change_nodes(*, actor: Actor, project: Project | None, now: datetime) -> Decision:
    place = project or installation()
    return node_change_of(rights=rights_on(actor=actor, place=place, now=now), thing=described(place))


def places_to_change(*, actor: Actor, now: datetime) -> list[Project | None]:
    """The projects whose nodes the actor may change; None stands for the shared ones."""
    open_ones, found = Project.objects.filter(archived_at=None), set()
    for right in ("review", "administer"):
        reach = restrict_projects(actor=actor, right=right, now=now, queryset=open_ones)
        found |= set(reach.values_list("pk", flat=True))
    shared = [None] if may_change_nodes(actor=actor, project=None, now=now) else []
    return [*open_ones.filter(pk__in=found).order_by("slug"), *shared]


def add_node(
    *,
    actor: Actor,
    project: Project | None,
    spec: NodeSpec,
    secrets: Mapping[str, Secret | None] | None = None,
    now: datetime,
) -> Node:
    """Without a project the machine is shared. Raises NotAllowed, Invalid and Conflict."""
    decision = may_change_nodes(actor=actor, project=project, now=now)
    require(decision, action="node.created", thing=project or installation())
    jump = jump_named(actor=actor, name=spec.jump, project=project, now=now)
    try:
        with transaction.atomic():
            node = Node.objects.create(project=project, name=spec.name, jump=jump, **spec.stored, **(secrets or {}))
            details = {**_told(spec), **_named(secrets or {})}
            record(actor=actor, action="node.created", thing=node, details=details, now=now)
            for key in spec.host_keys:
                pinned = HostKey(node=node, key=key, seen_at=now, state=HostKeyState.ACCEPTED)
                pinned.decided_by, pinned.decided_at = actor.user, now
                pinned.save(force_insert=True)
                record(actor=actor, action="host_key.accepted", thing=pinned, now=now)
    except IntegrityError as error:
        detail = f"There is or was a node “{node_name(project, spec.name)}”: names are never given twice."
        raise Conflict(detail, code="exists") from error
    return node


def change_node(
    *,
    actor: Actor,
    node: Node,
    changes: Mapping[str, object],
    secrets: Mapping[str, Secret | None] | None = None,
    revision: int | None,
    now: datetime,
) -> Node:
    """CHANGES are fields of NodeSpec other than name and keys, and `archived`. REVISION is the one that was read, where
    it is known. Raises NotAllowed, Invalid, Conflict and Stale."""
    decision = may_change_nodes(actor=actor, project=node.project, now=now)
    require(decision, action="node.changed", thing=node)
    before = described_node(node)
    wanted = {**before, **{name: value for name, value in changes.items() if name != "archived"}}
    spec = clean_node({**wanted, "name": node.name})
    jump = node.jump
    if spec.jump != before["jump"]:
        jump = jump_named(actor=actor, name=spec.jump, project=node.project, behind=node, now=now)
    archived_at = (node.archived_at or now) if changes.get("archived", bool(node.archived_at)) else None
    before["archived"], wanted["archived"] = bool(node.archived_at), bool(archived_at)
    changed = {name: [old, wanted[name]] for name, old in before.items() if wanted[name] != old}
    if WHERE & changed.keys():
        aim = may_redirect(actor=actor, node=node, now=now, replaced=(secrets or {}).keys())
        require(aim, action="node.changed", thing=node)
    with transaction.atomic():
        mine = Node.objects.filter(pk=node.pk, revision=node.revision if revision is None else revision)
        if not mine.update(
            **spec.stored, **(secrets or {}), jump=jump, archived_at=archived_at, revision=F("revision") + 1
        ):
            raise Stale
        details = {"changed": changed, **_named(secrets or {})}
        record(actor=actor, action="node.changed", thing=node, details=details, now=now)
    node.refresh_from_db()
    return node


def described_node(node: Node) -> dict[str, object]:
    """A machine as NodeSpec has it, without name and keys."""
    return {
        "host": node.host, "port": node.port, "user": node.user, "tags": list(node.tags),
        "attributes": dict(node.attributes), "zone": node.zone, "jump": node.jump.name if node.jump else "",
    }  # fmt: skip


def jump_named(
    *, actor: Actor | None, name: str, project: Project | None, now: datetime, behind: Node | None = None
) -> Node | None:
    """Of the same project, or else a shared one. Raises Invalid where there is none that ACTOR may go through (None: an
    inventory of the installation's own may go through any), or where it goes in a circle."""
    if not name:
        return None
    here = Q(project=project) | Q(project=None)
    rows = Node.objects.filter(here, name=name, archived_at=None).select_related("project")
    found = rows.order_by(F("project").asc(nulls_last=True)).first()
    if found is None or not _may_go_through(actor=actor, node=found, now=now):
        raise Invalid([Problem("/jump", "unknown_node", f"There is no node “{name}” here to go through.")])
    hop: Node | None = found
    for _ in range(MOST_JUMPS):
        if hop is None:
            return found
        if behind is not None and hop.pk == behind.pk:
            raise Invalid([Problem("/jump", "circle", "The way would go in a circle.")])
        hop = hop.jump
    raise Invalid([Problem("/jump", "too_long", f"The way may have at most {MOST_JUMPS} machines.")])


def _may_go_through(*, actor: Actor | None, node: Node, now: datetime) -> bool:
    """To go through a machine is to use it, and what is behind it is reached with its sign-in."""
    if actor is None or may_change_nodes(actor=actor, project=node.project, now=now):
        return True
    return holds_use(actor=actor, node=node, now=now)


def node_name(project: Project | None, name: str) -> str:
    return f"{project.slug}/{name}" if project else name


def _named(secrets: Mapping[str, Secret | None]) -> dict[str, object]:
    return {name: secret.path if secret else "" for name, secret in secrets.items()}


def _told(spec: NodeSpec) -> dict[str, object]:
    return {**spec.stored, "jump": spec.jump}
