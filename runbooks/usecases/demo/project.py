"""The demo's project: written by the author, vetted and published by an owner, granted to the runner."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.domain.rights import ROLES
from runbooks.domain.states import VersionState
from runbooks.models import Project, User
from runbooks.usecases.grants.grant import grant
from runbooks.usecases.projects.create import create_project
from runbooks.usecases.versions.draft import draft
from runbooks.usecases.versions.publish import publish
from runbooks.usecases.versions.review import review
from runbooks.usecases.versions.submit import submit

PROJECT = "demo"
ROLE_OF = {"owner": "owner", "owner2": "owner", "author": "author", "runner": "runner"}


def seed_project(*, cast: Mapping[str, User], definitions: Sequence[Mapping[str, object]], now: datetime) -> None:
    """Adds what is missing; a runbook that has a version is left as it is."""
    as_ = {name: Actor(user=user, via="system") for name, user in cast.items()}
    project = Project.objects.filter(slug=PROJECT).first()
    if project is None:
        project = create_project(actor=as_["admin"], slug=PROJECT, title="Demo: any Linux machine", now=now)
        for name, role in ROLE_OF.items():
            grant(actor=as_["admin"], principal=cast[name], place=project, rights=ROLES[role], reason="demo", now=now)
    for definition in definitions:
        _add(as_=as_, project=project, definition=definition, now=now)


def _add(*, as_: Mapping[str, Actor], project: Project, definition: Mapping[str, object], now: datetime) -> None:
    metadata = definition["metadata"]
    assert isinstance(metadata, Mapping)
    slug = str(metadata["slug"])
    if project.runbooks.filter(slug=slug).exists():
        return
    version, _ = draft(actor=as_["author"], project=PROJECT, slug=slug, data=definition, now=now)
    if version.state != VersionState.DRAFT:
        return
    submit(actor=as_["author"], version=version, now=now)
    review(
        actor=as_["owner"],
        version=version,
        verdict="approve",
        comment="Vetted for the demo.",
        digest=version.hash,
        now=now,
    )
    publish(actor=as_["owner"], version=version, now=now)
