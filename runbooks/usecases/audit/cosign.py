"""Taking what witnesses elsewhere say of a checkpoint."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, installation, require_right
from runbooks.audit.checkpoint import latest_checkpoint
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.signed_notes import BadNote, PublicKey, Signature, cosigned_at, read_signatures
from runbooks.models import AuditCheckpoint, AuditCosignature

ACTION = "audit.cosign"
MOST_LINES = 16


def keep_cosignatures(
    *, actor: Actor, size: int, lines: str, witnesses: Sequence[PublicKey], now: datetime
) -> AuditCheckpoint:
    """Keeps those of WITNESSES; one that is here already is left as it is. Raises NotAllowed, Hidden and Invalid.

    Nothing is written into the log: each entry would ask for the next checkpoint, and that for the next cosignature.
    The row tells who brought it.
    """
    require_right(actor=actor, right="audit", place=installation(), action=ACTION, now=now)
    checkpoint = _checkpoint(size)
    body = checkpoint.note[: checkpoint.note.rindex("\n\n") + 1]
    with transaction.atomic():
        for signature in _read(lines):
            found = cosigned_at(body, signature=signature, witnesses=witnesses)
            if found is None:
                raise _refused(f"“{signature.name}” is no witness of this log, or it did not sign this checkpoint.")
            witness, moment = found
            AuditCosignature.objects.get_or_create(
                checkpoint=checkpoint.pk,
                witness=str(witness),
                defaults={
                    "line": str(signature),
                    "signed_at": moment,
                    "received_at": now,
                    "received_from": actor.name,
                },
            )
    return checkpoint


def _checkpoint(size: int) -> AuditCheckpoint:
    latest = latest_checkpoint()
    found = AuditCheckpoint.objects.filter(origin=latest.origin, size=size).first() if latest else None
    if found is None:
        raise Hidden(action=ACTION, kind="checkpoint", name=str(size))
    return found


def _read(lines: str) -> list[Signature]:
    try:
        found = read_signatures(lines)
    except BadNote as error:
        raise _refused(f"{str(error).capitalize()}.") from None
    if not 0 < len(found) <= MOST_LINES:
        raise _refused(f"Give 1 to {MOST_LINES} lines.")
    return found


def _refused(detail: str) -> Invalid:
    return Invalid([Problem("/lines", "not_a_cosignature", detail)])
