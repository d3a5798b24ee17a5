"""Reading the inventories that are configured: each is taken whole, or not at all and the log says why."""

import json
import logging
from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from runbooks.audit.record import Ref, record
from runbooks.domain.machines.inventory import read_inventory
from runbooks.domain.machines.inventory_sources import Source
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.syntax.yaml_text import read_yaml
from runbooks.models import AuditEvent, Project
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.nodes.import_nodes import MOST_BYTES, MOST_YAML_NODES, Imported, write_nodes

log = logging.getLogger(__name__)

ACTION = "inventory.refreshed"


def refresh(*, source: Source, read: Callable[[Source], bytes], now: datetime) -> Imported | None:
    """READ raises OSError or ValueError, with a sentence, where there is nothing to read. None: nothing was taken."""
    try:
        data = _parsed(read(source))
        specs = read_inventory(data)
        if not specs:
            raise Invalid([Problem("", "empty", "It names no node; that would archive all of them.")])
        with transaction.atomic():
            project = _project(source)
            done = write_nodes(actor=None, project=project, source=source.name, specs=specs, now=now)
            if done or _last_outcome(source) == "failed":
                record(actor=None, action=ACTION, thing=_ref(source, project), reason=str(done), now=now)
            return done
    except (Invalid, Conflict, IntegrityError, ValueError, OSError) as error:
        _told(source=source, reason=str(error)[:2000], now=now)
        return None


def _parsed(text: bytes) -> object:
    """JSON is read by its own parser, which is much quicker."""
    if text.lstrip()[:1] in {b"{", b"["}:
        try:
            return json.loads(text)
        except RecursionError:
            raise ValueError("It is nested too deeply.") from None
    return read_yaml(text, max_bytes=MOST_BYTES, max_nodes=MOST_YAML_NODES)


def _project(source: Source) -> Project | None:
    if not source.project:
        return None
    found = Project.objects.filter(slug=source.project, archived_at=None).first()
    if found is None:
        raise Invalid([Problem("/project", "unknown_project", f"There is no project “{source.project}”.")])
    return found


def _told(*, source: Source, reason: str, now: datetime) -> None:
    """Once for each reason, not once a round."""
    log.warning("the inventory %s was not taken: %s", source.name, reason)
    last = _events(source).first()
    if last is None or last.outcome != "failed" or json.loads(bytes(last.body))["reason"] != reason:
        with transaction.atomic():
            record(actor=None, action=ACTION, thing=_ref(source, None), outcome="failed", reason=reason, now=now)


def _last_outcome(source: Source) -> str:
    last = _events(source).first()
    return last.outcome if last else ""


def _events(source: Source) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(action=ACTION, object_id=source.name).order_by("-id")


def _ref(source: Source, project: Project | None) -> Ref:
    return Ref("inventory", source.name, source.name, project=str(project.pk) if project else "")
