"""The answer to a manual step, by somebody who may run the runbook."""

from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, require
from runbooks.access.rights import judged, rights_on
from runbooks.audit.record import record
from runbooks.domain.pauses import Evidence, Manual
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import StepStatus
from runbooks.models import Run, StepRun
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.pause import end_pause, held_run
from runbooks.usecases.versions.draft import definition_of

ACTION = "run.step_completed"
NOTE_CHARACTERS = 2000
REJECTED = 1  # exit code of a step that somebody said no to


def complete(*, actor: Actor, run: Run, step_run_id: str, verdict: str, note: str, now: datetime) -> None:
    """VERDICT is "approve" (it is done, go on) or "reject" (it has failed).

    Raises NotAllowed, Hidden (no such step), Invalid, and Conflict where the step waits for no answer (any more).
    """
    held = rights_on(actor=actor, place=run.runbook, now=now)
    require(judged(actor=actor, right="run", held=held, place=run.runbook), action=ACTION, thing=run)
    step_run = _step_run(run=run, step_run_id=step_run_id)
    if verdict not in {"approve", "reject"}:
        raise Invalid([Problem("/verdict", "not_a_choice", "Say whether it is done (approve) or has failed (reject).")])
    manual = _asked(run=run, step_run=step_run)
    note = _checked(note.strip(), manual=manual)
    done = verdict == "approve"
    status = StepStatus.SUCCEEDED if done else StepStatus.FAILED
    detail = f"{actor.name} said {'it is done' if done else 'it has failed'}{f': {note}' if note else '.'}"
    with transaction.atomic():
        code = 0 if done else REJECTED
        if not end_pause(
            run=held_run(run.pk), step_run=step_run, status=status, detail=detail, exit_code=code, now=now
        ):
            raise _not_waiting()
        details = {"step": step_run.step, "verdict": verdict}
        record(actor=actor, action=ACTION, thing=run, reason=note, details=details, now=now)
    run.refresh_from_db()


def _step_run(*, run: Run, step_run_id: str) -> StepRun:
    key = as_uuid(step_run_id)
    found = StepRun.objects.filter(pk=key, run=run).first() if key else None
    if found is None:
        raise Hidden(action=ACTION, kind="step", name=step_run_id[:64])
    return found


def _asked(*, run: Run, step_run: StepRun) -> Manual:
    step = next(step for step in definition_of(run.version).steps if step.id == step_run.step)
    if not isinstance(step.pause, Manual) or step_run.status != StepStatus.WAITING:
        raise _not_waiting()
    return step.pause


def _checked(note: str, *, manual: Manual) -> str:
    if manual.evidence is Evidence.NOTE and not note:
        raise Invalid([Problem("/note", "required", "This step asks for a note: say what you did or saw.")])
    if len(note) > NOTE_CHARACTERS:
        raise Invalid([Problem("/note", "too_long", f"Keep the note under {NOTE_CHARACTERS} characters.")])
    return note


def _not_waiting() -> Conflict:
    return Conflict("This step waits for nobody's answer, or not any more.", code="not_waiting")
