"""Saving what somebody typed: YAML text becomes a draft."""

from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.fetch import project as fetch_project
from runbooks.access.fetch import require_right
from runbooks.domain.definition import parse_definition
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.syntax.yaml_text import read_yaml
from runbooks.models import Runbook, Version
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.versions.draft import draft


def write(*, actor: Actor, runbook: Runbook, text: str, base: int, now: datetime) -> tuple[Version, bool]:
    """BASE is the number of the version that the writer began with. Raises Conflict where somebody has saved another
    since, and what `draft` raises."""
    require_right(actor=actor, right="edit", place=runbook, action="version.drafted", now=now)
    data = _parsed(text)
    runbook.refresh_from_db(fields=["last_number"])
    if base != runbook.last_number:
        detail = f"Version {runbook.last_number} was saved while you were writing, which began with version {base}."
        raise Conflict(detail, code="newer_version")
    return draft(actor=actor, project=runbook.project.slug, slug=runbook.slug, data=data, now=now)


def write_new(*, actor: Actor, project: str, text: str, now: datetime) -> Version:
    """The first version of a runbook that the text itself names. Raises what `draft` raises."""
    place = fetch_project(actor=actor, slug=project, action="version.drafted", now=now)
    require_right(actor=actor, right="edit", place=place, action="version.drafted", now=now)
    data = _parsed(text)
    slug = parse_definition(data).slug
    if place.runbooks.filter(slug=slug).exists():
        detail = f"There is a runbook “{slug}” in this project already: edit that one, or choose another slug."
        raise Invalid([Problem("/metadata/slug", "exists", detail)])
    return draft(actor=actor, project=project, slug=slug, data=data, now=now)[0]


def _parsed(text: str) -> object:
    """Browsers send every line's end as CR LF; what was typed has LF."""
    return read_yaml(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass"))
