"""Proposing content: a new version, or the existing one where the content is the same."""

import json
from datetime import datetime
from functools import lru_cache

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, require, require_right
from runbooks.access.rights import may, restrict_projects, rights_on
from runbooks.audit.record import record
from runbooks.domain.definition import Definition, accepted_definition, parse_definition
from runbooks.domain.manifest import canonical, manifest_hash
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import VersionState
from runbooks.models import NotifyRule, Project, Runbook, SecretReference, Version


def draft(*, actor: Actor, project: str, slug: str, data: object, now: datetime) -> tuple[Version, bool]:
    """Answers the version and whether it is new. Raises Hidden, NotAllowed and Invalid."""
    _require_may_edit(actor=actor, project=project, slug=slug, now=now)
    definition = parse_definition(data)
    _require_address(definition=definition, project=project, slug=slug)
    digest = manifest_hash(data)
    with transaction.atomic():
        runbook = _runbook(definition=definition)
        if existing := Version.objects.filter(runbook=runbook, hash=digest).select_related("author").first():
            existing.runbook = runbook
            return existing, False
        version = _add(actor=actor, runbook=runbook, data=data, digest=digest)
        named = definition.secrets.items()
        SecretReference.objects.bulk_create(SecretReference(version=version, place=at, path=path) for at, path in named)
        NotifyRule.objects.bulk_create(
            NotifyRule(version=version, number=number, to=rule.to, events=list(rule.events))
            for number, rule in enumerate(definition.notify)
        )
        show(runbook=runbook, definition=definition, only_if_unpublished=True)
        details = {"number": version.number, "hash": digest}
        record(actor=actor, action="version.drafted", thing=version, details=details, now=now)
    return version, True


def show(*, runbook: Runbook, definition: Definition, only_if_unpublished: bool = False) -> None:
    """Copies what lists and search show. Of a runbook with a published version, that version's texts stay."""
    if only_if_unpublished and runbook.versions.filter(state=VersionState.PUBLISHED).exists():
        return
    scripts = " ".join(step.script for step in definition.steps)
    words = [definition.title, definition.doc, *definition.tags, *definition.alerts, runbook.slug, scripts]
    runbook.title, runbook.risk = definition.title, definition.risk
    runbook.tags, runbook.alerts = list(definition.tags), list(definition.alerts)
    runbook.search_text = " ".join(words).lower()
    runbook.save(update_fields=["title", "risk", "tags", "alerts", "search_text"])


def definition_of(version: Version) -> Definition:
    return _parsed(bytes(version.manifest))


def data_of(version: Version) -> dict[str, object]:
    """The definition as it was accepted, as JSON data."""
    data: dict[str, object] = json.loads(bytes(version.manifest))
    return data


@lru_cache(maxsize=256)
def _parsed(manifest: bytes) -> Definition:
    """Remembered by its content, which never changes."""
    return accepted_definition(json.loads(manifest))


def _require_may_edit(*, actor: Actor, project: str, slug: str, now: datetime) -> None:
    """A runbook that the actor does not see answers as one that does not exist: by what they may in the project."""
    runbook = Runbook.objects.select_related("project").filter(project__slug=project, slug=slug).first()
    if runbook and "view" in rights_on(actor=actor, place=runbook, now=now):
        require_right(actor=actor, right="edit", place=runbook, action="version.drafted", now=now)
        return
    found = Project.objects.filter(slug=project)
    seen = restrict_projects(actor=actor, right="view", now=now, queryset=found).first()
    if seen is None:
        known = str(runbook.pk) if runbook else ""
        raise Hidden(action="version.drafted", kind="runbook", name=f"{project}/{slug}", id=known)
    require(may(actor=actor, right="edit", place=seen, now=now), action="version.drafted", thing=seen)


def _require_address(*, definition: Definition, project: str, slug: str) -> None:
    problems = [
        Problem(f"/metadata/{field}", "wrong_address", f"The address says {wanted}, the definition {given}.")
        for field, given, wanted in [("project", definition.project, project), ("slug", definition.slug, slug)]
        if given != wanted
    ]
    if problems:
        raise Invalid(problems)


def _runbook(*, definition: Definition) -> Runbook:
    """The row, locked against other drafts (on SQLite by the transaction itself)."""
    project = Project.objects.get(slug=definition.project)
    Runbook.objects.get_or_create(project=project, slug=definition.slug, defaults={"title": definition.title})
    rows = Runbook.objects.select_related("project").select_for_update(of=("self",))
    return rows.get(project=project, slug=definition.slug)


def _add(*, actor: Actor, runbook: Runbook, data: object, digest: str) -> Version:
    parent = runbook.versions.order_by("-number").first()
    runbook.last_number += 1
    runbook.save(update_fields=["last_number"])
    return Version.objects.create(
        runbook=runbook,
        number=runbook.last_number,
        parent=parent,
        manifest=canonical(data),
        hash=digest,
        author=actor.user,
    )
