"""The answer to a manual step: by whom its author named, or else by somebody who may run the runbook."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, require
from runbooks.access.rights import is_among, judged, rights_on
from runbooks.audit.record import record
from runbooks.domain.pauses import Evidence, Manual
from runbooks.domain.policy import Decision, answer_of
from runbooks.domain.ports import GivenFile
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.states import StepStatus
from runbooks.models import Artifact, Run, StepRun
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.evidence import check_evidence, stored_evidence, told_evidence
from runbooks.usecases.runs.pause import end_pause, held_run
from runbooks.usecases.versions.draft import definition_of

ACTION = "run.step_completed"
NOTE_CHARACTERS = 2000
REJECTED = 1  # exit code of a step that somebody said no to


@dataclass(frozen=True)
class Said:
    """An answer. The verdict is "approve" (it is done, go on) or "reject" (it has failed)."""

    verdict: str
    note: str = ""
    evidence: tuple[GivenFile, ...] = ()

    @property
    def done(self) -> bool:
        return self.verdict == "approve"


def complete(*, actor: Actor, run: Run, step_run_id: str, said: Said, now: datetime) -> None:
    """Raises NotAllowed, Hidden (no such step), Invalid, and Conflict where the step waits for no answer (any more)."""
    step_run = _step_run(actor=actor, run=run, step_run_id=step_run_id, now=now)
    manual = _manual(run=run, step_run=step_run)
    decision = may_answer(actor=actor, run=run, manual=manual or Manual(ask=""), now=now)
    require(decision, action=ACTION, thing=run)
    if said.verdict not in {"approve", "reject"}:
        raise Invalid([Problem("/verdict", "not_a_choice", "Say whether it is done (approve) or has failed (reject).")])
    if manual is None or step_run.status != StepStatus.WAITING:
        raise _not_waiting()
    _check(said, manual=manual)
    artifacts = stored_evidence(step_run=step_run, files=said.evidence, now=now)
    with transaction.atomic():
        _write(actor=actor, run=run, step_run=step_run, said=said, artifacts=artifacts, now=now)
    run.refresh_from_db()


def may_answer(*, actor: Actor, run: Run, manual: Manual, now: datetime) -> Decision:
    """Of somebody who sees the run."""
    held = rights_on(actor=actor, place=run.runbook, now=now)
    return answer_of(
        named=manual.answered_by,
        is_named=is_among(user=actor.user, principals=manual.answered_by, now=now),
        may_run=judged(actor=actor, right="run", held=held, place=run.runbook),
        limited_to_less=bool(actor.scopes) and "run" not in actor.scopes,
    )


def _write(
    *, actor: Actor, run: Run, step_run: StepRun, said: Said, artifacts: Sequence[Artifact], now: datetime
) -> None:
    held, note = held_run(run.pk), said.note.strip()
    status, code = (StepStatus.SUCCEEDED, 0) if said.done else (StepStatus.FAILED, REJECTED)
    detail = f"{actor.name} said {'it is done' if said.done else 'it has failed'}{f': {note}' if note else '.'}"
    if not end_pause(run=held, step_run=step_run, status=status, detail=detail, exit_code=code, now=now):
        raise _not_waiting()
    Artifact.objects.bulk_create(artifacts)
    details = {"step": step_run.step, "verdict": said.verdict, **told_evidence(artifacts)}
    record(actor=actor, action=ACTION, thing=run, reason=note, details=details, now=now)


def _step_run(*, actor: Actor, run: Run, step_run_id: str, now: datetime) -> StepRun:
    key = as_uuid(step_run_id)
    found = StepRun.objects.filter(pk=key, run=run).first() if key else None
    if found is None:
        require(may_answer(actor=actor, run=run, manual=Manual(ask=""), now=now), action=ACTION, thing=run)
        raise Hidden(action=ACTION, kind="step", name=step_run_id[:64])
    return found


def _manual(*, run: Run, step_run: StepRun) -> Manual | None:
    step = next(step for step in definition_of(run.version).steps if step.id == step_run.step)
    return step.pause if isinstance(step.pause, Manual) else None


def _check(said: Said, *, manual: Manual) -> None:
    note = said.note.strip()
    if manual.evidence is Evidence.NOTE and not note:
        raise Invalid([Problem("/note", "required", "This step asks for a note: say what you did or saw.")])
    if manual.evidence is Evidence.FILE and said.done and not said.evidence:
        raise Invalid([Problem("/evidence", "required", "This step asks for a file that shows that it is done.")])
    if len(note) > NOTE_CHARACTERS:
        raise Invalid([Problem("/note", "too_long", f"Keep the note under {NOTE_CHARACTERS} characters.")])
    check_evidence(said.evidence)


def _not_waiting() -> Conflict:
    return Conflict("This step waits for nobody's answer, or not any more.", code="not_waiting")
