"""What proves how a run came about and what it did: for those who audit it, and for its owners."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.access.rights import rights_on
from runbooks.audit.checkpoint import latest_checkpoint
from runbooks.audit.sequence import drain
from runbooks.audit.tree import Tree
from runbooks.domain.policy import YES, no
from runbooks.live.follow import log_bytes
from runbooks.models import AuditEvent, AuditKey, AuditLeaf, Run
from runbooks.queries.integrity import proof_of, with_cosignatures

ACTION = "run.evidence_read"
OWNER = {"review", "grant"}


def require_evidence(*, actor: Actor, run: Run, now: datetime) -> set[str]:
    """The rights held. Raises NotAllowed."""
    held = rights_on(actor=actor, place=run.runbook, now=now)
    refusal = no("The evidence of a run is for those who hold “audit” on it, and for its owners.")
    require(YES if may_have_evidence(held) else refusal, action=ACTION, thing=run)
    return held


def may_have_evidence(held: set[str]) -> bool:
    return "audit" in held or held >= OWNER


def audit_events(*, run: Run) -> QuerySet[AuditEvent]:
    """Oldest first, with `seq` on each. Reading the log or the evidence is among them too."""
    drain()
    seq = AuditLeaf.objects.filter(event_id=OuterRef("pk")).values("seq")
    found = AuditEvent.objects.filter(object_id=str(run.pk)).annotate(seq=Subquery(seq))
    return found.filter(seq__isnull=False).order_by("seq")


def integrity_facts(events: Iterable[AuditEvent]) -> dict[str, object]:
    """For each event, what leads from it to the root that was signed. The newest wait for the next checkpoint."""
    latest = latest_checkpoint()
    leaves = list(AuditLeaf.objects.filter(event_id__in=[event.pk for event in events]).order_by("seq"))
    signed = [leaf for leaf in leaves if latest and leaf.seq < latest.size]
    tree = Tree()
    return {
        "checkpoint": with_cosignatures(latest) if latest else None,
        "public_keys": list(AuditKey.objects.order_by("first_used_at").values_list("public", flat=True)),
        "proofs": [proof_of(leaf=leaf, size=latest.size, tree=tree) for leaf in signed if latest],
        "not_signed_yet": [leaf.seq for leaf in leaves if leaf not in signed],
    }


def output_facts(*, run: Run) -> dict[str, object]:
    """Of the log as it is stored, after masking. Read piece by piece: it may be large."""
    facts: dict[str, object] = {"bytes": run.output_bytes, "complete": run.output_complete, "sha256": None}
    if run.output_removed_at is None:
        digest = hashlib.sha256()
        for piece in log_bytes(run=run, start=0, stop=run.output_bytes):
            digest.update(piece)
        facts["sha256"] = digest.hexdigest()
    return facts


def artifact_facts(*, run: Run, named: bool) -> list[dict[str, object]]:
    """NAMED: with what the script called them, for those who see output."""
    return [
        {"id": str(one.pk), "size": one.size, "sha256": one.sha256, **({"name": one.name} if named else {})}
        for one in run.artifacts.order_by("id")
    ]


def note_facts(*, run: Run, told: bool) -> list[dict[str, object]]:
    return [
        {
            "id": str(note.pk),
            "author": note.author.username,
            "created_at": note.created_at,
            "sha256": hashlib.sha256(note.text.encode()).hexdigest(),
            **({"text": note.text} if told else {}),
        }
        for note in run.notes.select_related("author").order_by("id")
    ]


def frozen_plan(run: Run) -> object:
    return json.loads(bytes(run.plan))


def manifest(run: Run) -> object:
    return json.loads(bytes(run.version.manifest))
