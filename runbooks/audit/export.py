"""The log as records that the verifier reads: keys, checkpoints and the stored tree first, then every event."""

import base64
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from runbooks.audit.checkpoint import latest_checkpoint
from runbooks.audit.sequence import drain
from runbooks.audit.tree import size_of_log
from runbooks.domain.merkle import leaf_hash
from runbooks.models import AuditCheckpoint, AuditCosignature, AuditKey, AuditSubtree

Record = dict[str, Any]
AT_ONCE = 2000
COLUMNS = (
    "actor_type",
    "actor_id",
    "actor_name",
    "action",
    "object_type",
    "object_id",
    "object_name",
    "outcome",
    "project_id",
    "runbook_id",
)
EVENTS = f"""
    SELECT l.seq, l.event_id, l.leaf, e.body, e.time, {", ".join(f"e.{name}" for name in COLUMNS)}
    FROM runbooks_auditleaf l LEFT JOIN runbooks_auditevent e ON e.id = l.event_id
    WHERE l.seq >= %s AND l.seq < %s ORDER BY l.seq LIMIT {AT_ONCE}
"""  # noqa: S608  (names of columns, from above)
STRAYS = """
    SELECT e.id, e.body FROM runbooks_auditevent e
    WHERE NOT EXISTS (SELECT 1 FROM runbooks_auditleaf l WHERE l.event_id = e.id)
    AND NOT EXISTS (SELECT 1 FROM runbooks_auditpending p WHERE p.event_id = e.id)
"""


def export(*, now: datetime) -> Iterator[Record]:
    """All of the log as it is now, in flat memory. What is written meanwhile is left for another time."""
    newest = latest_checkpoint()  # first of all: one that is made meanwhile may be of more events than are told of here
    drain()
    size = size_of_log()
    yield {"log": "opsaas", "format": 1, "events": size, "made_at": _stamp(now)}
    for public in AuditKey.objects.order_by("first_used_at").values_list("public", flat=True):
        yield {"key": public}
    yield from _checkpoints(newest.pk if newest else 0)
    for level, index, found in AuditSubtree.objects.order_by("level", "index").values_list("level", "index", "hash"):
        yield {"subtree": level, "index": index, "hash": _base64(found)}
    yield from events(first=0, end=size)
    for event_id, body in _rows(STRAYS, []):
        yield {"stray": str(uuid.UUID(str(event_id))), "body": _text(body)}
    yield {"end": {"events": size}}


def events(*, first: int, end: int) -> Iterator[Record]:
    """The events FIRST to before END, with their leaves."""
    at = first
    while rows := _rows(EVENTS, [at, end]):
        for seq, event_id, leaf, body, time, *columns in rows:
            record: Record = {"seq": seq, "id": str(uuid.UUID(str(event_id))), "leaf": _base64(leaf), "body": None}
            yield record if body is None else record | _told(bytes(leaf), bytes(body), time, columns)
        at = rows[-1][0] + 1


def as_lines(records: Iterator[Record]) -> Iterator[bytes]:
    """JSON lines, a few hundred kilobytes at a time."""
    lines: list[str] = []
    for record in records:
        lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
        if len(lines) == 500:
            yield _encoded(lines)
            lines = []
    if lines:
        yield _encoded(lines)


def _encoded(lines: list[str]) -> bytes:
    return "\n".join([*lines, ""]).encode("utf-8", "surrogateescape")


def _checkpoints(newest: int) -> Iterator[Record]:
    lines: dict[int, list[str]] = {}
    for key, line in AuditCosignature.objects.order_by("pk").values_list("checkpoint", "line"):
        lines.setdefault(key, []).append(line)
    for one in AuditCheckpoint.objects.filter(pk__lte=newest).order_by("pk").iterator():
        record = {"checkpoint": one.note, "size": one.size, "root": _base64(one.root)}
        yield record | ({"cosignatures": lines[one.pk]} if one.pk in lines else {})


def _told(leaf: bytes, body: bytes, time: Any, columns: list[Any]) -> Record:
    shown = dict(zip(COLUMNS, columns, strict=True)) | {"time": _stamp(time)}
    if leaf_hash(body) == leaf and _said(body, shown) != shown:
        return {"body": _text(body), "columns": shown}  # the verifier tells whether that is a lie
    return {"body": _text(body)}


def _said(body: bytes, shown: dict[str, str]) -> dict[str, str]:
    """What the columns should be. Events from before they told their place say nothing of it."""
    try:
        return _columns(json.loads(body), shown)
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # no event of ours


def _columns(said: Any, shown: dict[str, str]) -> dict[str, str]:
    place = said.get("place", {"project": shown["project_id"], "runbook": shown["runbook_id"]})
    actor, thing = said["actor"], said["object"]
    return {
        "actor_type": actor["type"],
        "actor_id": actor["id"],
        "actor_name": actor["name"],
        "action": said["action"],
        "object_type": thing["type"],
        "object_id": thing["id"],
        "object_name": thing["name"][:300],
        "outcome": said["outcome"],
        "project_id": place["project"],
        "runbook_id": place["runbook"],
        "time": said["time"],
    }


def _rows(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _text(body: Any) -> str:
    return bytes(body).decode("utf-8", "surrogateescape")


def _base64(data: Any) -> str:
    return base64.b64encode(bytes(data)).decode()


def _stamp(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
