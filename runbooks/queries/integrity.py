"""What shows that the log is whole: checkpoints, proofs and keys, for those who hold `audit` somewhere."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, installation, require, require_right
from runbooks.access.rights import holds_anywhere, may
from runbooks.audit.checkpoint import REFUSED, latest_checkpoint
from runbooks.audit.export import Record, export
from runbooks.audit.sequence import drain
from runbooks.audit.tree import Tree, size_of_log
from runbooks.domain.merkle import consistency_proof, inclusion_proof
from runbooks.domain.policy import no
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.signed_notes import COSIGNATURE, PublicKey, read_public_key
from runbooks.models import AuditCheckpoint, AuditCosignature, AuditEvent, AuditHold, AuditKey, AuditLeaf, AuditPlace
from runbooks.queries.audit import event

ACTION = "audit.read"
EXPORTED = "audit.exported"


@dataclass(frozen=True)
class Integrity:
    size: int  # of the log
    latest: AuditCheckpoint | None
    recent: Sequence[AuditCheckpoint]
    keys: Sequence[AuditKey]
    current_keys: Sequence[str]
    places: Sequence[AuditPlace]
    witnesses: Sequence[tuple[str, AuditCosignature | None, AuditCheckpoint | None]]  # with the last that each signed
    refused: AuditEvent | None  # why no checkpoint was made, where that is so
    holds: Sequence[AuditHold]  # that last; empty for who audits only a part
    exports: bool  # the actor may take all of it along

    @property
    def failing(self) -> int:
        return sum(place.failing_since is not None for place in self.places)

    @property
    def unsigned(self) -> int:
        return self.size - (self.latest.size if self.latest else 0)


def require_audit(*, actor: Actor, now: datetime) -> None:
    """Raises NotAllowed."""
    if not holds_anywhere(actor=actor, right="audit", now=now):
        refusal = no("What proves the audit log needs the right “audit”, which you hold nowhere.")
        require(refusal, action=ACTION, thing=installation())


def integrity(*, actor: Actor, now: datetime) -> Integrity:
    require_audit(actor=actor, now=now)
    drain()
    latest = latest_checkpoint()
    refused = AuditEvent.objects.filter(action=REFUSED).order_by("-id").first()
    if refused and latest and refused.time < latest.made_at:
        refused = None
    all_of_it = bool(may(actor=actor, right="audit", place=installation(), now=now))
    return Integrity(
        size=size_of_log(),
        latest=latest,
        recent=list(AuditCheckpoint.objects.order_by("-id")[:10]),
        keys=list(AuditKey.objects.order_by("-first_used_at")),
        current_keys=_signers(latest),
        places=list(AuditPlace.objects.order_by("name")),
        witnesses=[(witness.name, *_last_of(witness)) for witness in settings.OPSAAS_AUDIT_WITNESSES],
        refused=refused,
        holds=list(AuditHold.objects.filter(lifted_at=None).order_by("placed_at")) if all_of_it else [],
        exports=all_of_it,
    )


def checkpoints(*, actor: Actor, now: datetime) -> QuerySet[AuditCheckpoint]:
    require_audit(actor=actor, now=now)
    return AuditCheckpoint.objects.all()


def checkpoint(*, actor: Actor, size: int | None, now: datetime) -> AuditCheckpoint:
    """The latest, or that of the first SIZE events. Raises Hidden where there is none."""
    require_audit(actor=actor, now=now)
    found = latest_checkpoint()
    if found and size is not None:
        found = AuditCheckpoint.objects.filter(origin=found.origin, size=size).first()
    if found is None:
        raise Hidden(action=ACTION, kind="checkpoint", name="" if size is None else str(size))
    return found


def with_cosignatures(found: AuditCheckpoint) -> str:
    """The note with what witnesses said of it."""
    lines = AuditCosignature.objects.filter(checkpoint=found.pk).order_by("pk").values_list("line", flat=True)
    return found.note + "".join(f"{line}\n" for line in lines)


def public_keys(*, actor: Actor, now: datetime) -> list[dict[str, object]]:
    require_audit(actor=actor, now=now)
    return [
        {"key": one.public, "cosignature_key": _cosigning(one.public), "first_used_at": one.first_used_at}
        for one in AuditKey.objects.order_by("first_used_at")
    ]


def consistency(*, actor: Actor, old: int, new: int, now: datetime) -> dict[str, object]:
    """That the first OLD events are the first of NEW. Raises Invalid."""
    require_audit(actor=actor, now=now)
    new = new or size_of_log()
    _within(new, "/to", least=0, most=size_of_log())
    _within(old, "/from", least=0, most=new)
    tree = Tree()
    path = consistency_proof(old=old, new=new, complete=tree.complete)
    return {
        "from": {"size": old, "root": _base64(tree.root_of(old))},
        "to": {"size": new, "root": _base64(tree.root_of(new))},
        "path": [_base64(one) for one in path],
    }


def inclusion(*, actor: Actor, seq: int, size: int | None, now: datetime) -> dict[str, object]:
    """That an event is in the log of the first SIZE events; without SIZE, in that of the latest checkpoint. Raises
    Hidden and Invalid."""
    found = leaf(actor=actor, seq=seq, now=now)
    if size is None:
        latest = latest_checkpoint()
        size = latest.size if latest and latest.size > seq else size_of_log()
    _within(size, "/size", least=seq + 1, most=size_of_log())
    return {**proof_of(leaf=found, size=size, tree=Tree()), "size": size, "root": _base64(Tree().root_of(size))}


def proof_of(*, leaf: AuditLeaf, size: int, tree: Tree) -> dict[str, object]:
    path = inclusion_proof(seq=leaf.seq, size=size, complete=tree.complete)
    return {**leaf_facts(leaf), "path": [_base64(one) for one in path]}


def leaf(*, actor: Actor, seq: int, now: datetime) -> AuditLeaf:
    """Of an event that the actor may read; whoever audits the installation gets those without a body too. Raises
    Hidden."""
    require_audit(actor=actor, now=now)
    drain()
    if not may(actor=actor, right="audit", place=installation(), now=now):
        event(actor=actor, seq=seq, now=now)
    found = AuditLeaf.objects.filter(seq=seq).first()
    if found is None:
        raise Hidden(action=ACTION, kind="audit event", name=str(seq))
    return found


def leaf_facts(leaf: AuditLeaf) -> dict[str, object]:
    return {"seq": leaf.seq, "event": str(leaf.event_id), "leaf": _base64(bytes(leaf.leaf))}


def whole_log(*, actor: Actor, now: datetime) -> Iterator[Record]:
    """For the verifier. Raises NotAllowed."""
    require_right(actor=actor, right="audit", place=installation(), action=EXPORTED, now=now)
    return export(now=now)


def holds(*, actor: Actor, now: datetime) -> QuerySet[AuditHold]:
    """Legal holds, those that were lifted too. Raises NotAllowed."""
    require_right(actor=actor, right="audit", place=installation(), action="audit.holds_read", now=now)
    return AuditHold.objects.all()


def _signers(latest: AuditCheckpoint | None) -> list[str]:
    if latest is None:
        return []
    ids = {base64.b64decode(line.rpartition(" ")[2])[:4] for line in latest.note.splitlines() if line.startswith("— ")}
    return [one for one in AuditKey.objects.values_list("public", flat=True) if read_public_key(one).id in ids]


def _cosigning(public: str) -> str:
    """The same key as it stands in the signatures that carry the time."""
    key = read_public_key(public)
    return str(PublicKey(key.name, COSIGNATURE, key.key))


def _last_of(witness: PublicKey) -> tuple[AuditCosignature | None, AuditCheckpoint | None]:
    last = AuditCosignature.objects.filter(witness=str(witness)).order_by("-checkpoint").first()
    return last, AuditCheckpoint.objects.filter(pk=last.checkpoint).first() if last else None


def _within(number: int, pointer: str, *, least: int, most: int) -> None:
    if not least <= number <= most:
        raise Invalid([Problem(pointer, "out_of_range", f"Give a number from {least} to {most}.")])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
