"""Versions: which one is shown, and how two differ."""

import difflib
import io
import json

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from runbooks.domain.states import VersionState
from runbooks.models import Runbook, Version


def shown_version(runbook: Runbook) -> Version | None:
    """The published one; before there is one, the newest."""
    versions = runbook.versions.select_related("author").prefetch_related("reviews__by")
    found = versions.filter(state=VersionState.PUBLISHED).first() or versions.order_by("-number").first()
    if found:
        found.runbook = runbook
    return found


def as_yaml(version: Version) -> str:
    """The definition in the form that people write, scripts and documents as blocks."""
    writer = YAML()
    writer.default_flow_style = False
    writer.width = 120
    out = io.StringIO()
    writer.dump(_blocks(json.loads(bytes(version.manifest))), out)
    return out.getvalue()


def diff(*, old: Version, new: Version) -> str:
    """A unified diff of the two as YAML; empty where they say the same."""
    lines = difflib.unified_diff(
        as_yaml(old).splitlines(keepends=True),
        as_yaml(new).splitlines(keepends=True),
        fromfile=f"version {old.number}",
        tofile=f"version {new.number}",
    )
    return "".join(lines)


ORDER = ("apiVersion", "kind", "metadata", "doc", "spec", "id", "name", "type")


def _blocks(value: object) -> object:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (ORDER.index(key) if key in ORDER else len(ORDER), key))
        return {key: _blocks(value[key]) for key in keys}
    if isinstance(value, list):
        return [_blocks(item) for item in value]
    if isinstance(value, str) and "\n" in value:
        return LiteralScalarString(value)
    return value
