"""Fetching things on somebody's behalf: what they may not see is as absent as what does not exist."""

import uuid
from datetime import datetime

from django.db.models import Q

from runbooks.access.actors import Actor
from runbooks.access.held import Place
from runbooks.access.rights import may, restrict_nodes, restrict_projects, rights_on
from runbooks.domain.policy import Decision
from runbooks.models import INSTALLATION_ID, Installation, Node, Project, Run, Runbook, Secret, Version
from runbooks.models.prepared import Prepared

INSTALLATION = Prepared(lambda: Installation.objects.filter(pk=INSTALLATION_ID))
RUNBOOK_AT = Prepared(
    lambda project, slug: (
        Runbook.objects.select_related("project").defer("search_text").filter(project__slug=project, slug=slug)
    ),
    Project._meta.get_field("slug"),
    Runbook._meta.get_field("slug"),
)
RUN = Prepared(
    lambda key: (
        Run.objects.select_related("runbook__project", "version", "requested_by", "rerun_of")
        .defer("runbook__search_text", "version__manifest", "rerun_of__plan")
        .filter(pk=key)
    ),
    Run._meta.pk,
)


class Hidden(Exception):
    """There is no such thing, or you may not see it."""

    def __init__(self, *, action: str, kind: str, name: str, id: str = "") -> None:
        super().__init__(f"There is no such {kind}, or you may not see it.")
        self.action, self.kind, self.name, self.id = action, kind, name, id


class NotAllowed(Exception):
    """You see it, but you may not do this."""

    def __init__(self, *, action: str, thing: object, reasons: tuple[str, ...]) -> None:
        super().__init__(" ".join(reasons))
        self.action, self.thing, self.reasons = action, thing, reasons


def require(decision: Decision, *, action: str, thing: object) -> None:
    """Raises NotAllowed, with the reasons, where the decision is no."""
    if not decision:
        raise NotAllowed(action=action, thing=thing, reasons=decision.reasons)


def require_right(*, actor: Actor, right: str, place: Place, action: str, now: datetime) -> None:
    require(may(actor=actor, right=right, place=place, now=now), action=action, thing=place)


def installation() -> Installation:
    return INSTALLATION.first() or Installation.objects.get_or_create(pk=INSTALLATION_ID)[0]


def project(*, actor: Actor, slug: str, action: str = "project.read", now: datetime) -> Project:
    found = Project.objects.filter(slug=slug).first()
    seen = (
        found
        and restrict_projects(actor=actor, right="view", now=now, queryset=Project.objects.filter(pk=found.pk)).first()
    )
    if not seen:
        raise Hidden(action=action, kind="project", name=slug, id=str(found.pk) if found else "")
    return seen


def runbook(*, actor: Actor, project: str, slug: str, action: str = "runbook.read", now: datetime) -> Runbook:
    found = RUNBOOK_AT.first(project, slug)
    if not found or "view" not in rights_on(actor=actor, place=found, now=now):
        raise Hidden(action=action, kind="runbook", name=f"{project}/{slug}", id=str(found.pk) if found else "")
    return found


def secret(*, actor: Actor, path: str, action: str = "secret.read", now: datetime) -> Secret:
    """PATH is "project/slug"."""
    of, _, slug = path.partition("/")
    found = Secret.objects.select_related("project").filter(project__slug=of, slug=slug).first()
    if not found or not {"view", "use"} & rights_on(actor=actor, place=found, now=now):
        raise Hidden(action=action, kind="secret", name=path, id=str(found.pk) if found else "")
    return found


def version(
    *, actor: Actor, project: str, slug: str, number: int, action: str = "version.read", now: datetime
) -> Version:
    """Whoever sees the runbook sees its versions, drafts too: what is proposed is no secret."""
    of = runbook(actor=actor, project=project, slug=slug, action=action, now=now)
    found = Version.objects.select_related("runbook__project", "author").filter(runbook=of, number=number).first()
    if not found:
        raise Hidden(action=action, kind="version", name=f"{of.path} v{number}")
    return found


def run(*, actor: Actor, run_id: str, action: str = "run.read", now: datetime) -> Run:
    key = as_uuid(run_id)
    found = RUN.first(key) if key else None
    if not found or "view" not in rights_on(actor=actor, place=found.runbook, now=now):
        raise Hidden(action=action, kind="run", name=run_id[:64], id=str(found.pk) if found else "")
    return found


def node(*, actor: Actor, node_id: str, action: str = "node.read", now: datetime) -> Node:
    """By its id, or by its path: "payments/web1", or "web1" where no project owns it."""
    found = Node.objects.select_related("project", "jump__project").filter(_named(node_id)).first()
    mine = Node.objects.filter(pk=found.pk) if found else Node.objects.none()
    if not found or not restrict_nodes(actor=actor, right="view", now=now, queryset=mine).exists():
        raise Hidden(action=action, kind="node", name=node_id[:200], id=str(found.pk) if found else "")
    return found


def _named(text: str) -> Q:
    if key := as_uuid(text):
        return Q(pk=key)
    project, slash, name = text.rpartition("/")
    return Q(project__slug=project, name=name) if slash else Q(project=None, name=name)


def as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
