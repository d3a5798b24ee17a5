"""A note about a run, by somebody who sees what it writes. It is never changed and never removed."""

import hashlib
from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require_right
from runbooks.audit.record import record
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import RUN_FINAL
from runbooks.domain.syntax.json_tree import check_text
from runbooks.live.append import NewEvent, append_events
from runbooks.models import Note, Run
from runbooks.usecases.runs.tell import rfc3339

LONGEST_NOTE = 10_000  # characters
ACTION = "run.noted"


def add_note(*, actor: Actor, run: Run, text: str, now: datetime) -> Note:
    """Raises NotAllowed and Invalid."""
    require_right(actor=actor, right="see_output", place=run.runbook, action=ACTION, now=now)
    text = text.strip()
    if problems := _problems(text):
        raise Invalid(problems)
    digest = hashlib.sha256(text.encode()).hexdigest()  # the log is for more eyes than the note
    with transaction.atomic():
        note = Note.objects.create(run=run, author=actor.user, text=text, created_at=now)
        record(actor=actor, action=ACTION, thing=run, details={"note": str(note.pk), "sha256": digest}, now=now)
        if Run.objects.select_for_update().get(pk=run.pk).status not in RUN_FINAL:  # its stream has ended else
            append_events(run_id=run.pk, events=[_event(note)], now=now)
    return note


def _problems(text: str) -> list[Problem]:
    if not text:
        return [Problem("/text", "required", "Write something.")]
    if len(text) > LONGEST_NOTE:
        return [Problem("/text", "too_long", f"Keep a note under {LONGEST_NOTE:,} characters.")]
    return check_text(text, pointer="/text")


def _event(note: Note) -> NewEvent:
    told: dict[str, object] = {
        "id": str(note.pk),
        "author": note.author.username,
        "text": note.text,
        "created_at": rfc3339(note.created_at),
    }
    return NewEvent("note", told)
