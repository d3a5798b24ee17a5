"""Steps of a try that are no scripts: questions, which the author answers, and waits."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from runbooks.cli.failures import OPSAAS_FAILED, Failure, usage
from runbooks.cli.output import say
from runbooks.cli.terminal import clean_line
from runbooks.cli.trying.lease import OwnLease
from runbooks.domain.conditions import FLOW, ConditionFailed, holds
from runbooks.domain.definition import Step
from runbooks.domain.pauses import Evidence, Manual, Wait
from runbooks.domain.ports import JsonValue, Outcome, OutcomeKind, StopReason

Seen = Mapping[str, JsonValue | datetime]
VERDICTS = {"approve": 0, "reject": 1}  # and the exit code of the step
YES, NO = ("y", "yes", "done", "approve"), ("n", "no", "failed", "reject")
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Answers:
    """To manual steps, by their ids; whatever is not among them is asked for on the terminal."""

    given: Mapping[str, str]
    waits: bool = True  # or every wait counts as over at once

    def to(self, step: Step, manual: Manual) -> Outcome:
        say(f"opsaas: {manual.ask.strip()}")
        for left_out in _left_out(manual):
            say(f"opsaas: {left_out}")
        verdict = self.given.get(step.id) or _asked(step)
        detail = f"You said {'it is done' if verdict == 'approve' else 'it has failed'}."
        return Outcome(kind=OutcomeKind.EXITED, exit_code=VERDICTS[verdict], detail=detail)


def read_answers(given: Sequence[str], *, steps: Iterable[Step], waits: bool) -> Answers:
    """GIVEN are STEP=VERDICT. Raises Failure where a question would have nobody to answer it."""
    asking = {step.id for step in steps if isinstance(step.pause, Manual)}
    answers = dict(_parted(text) for text in given)
    if unknown := sorted(answers.keys() - asking):
        raise usage(f"No manual step is called {', '.join(unknown)}. There is {', '.join(sorted(asking)) or 'none'}.")
    missing = sorted(asking - answers.keys())
    if missing and not _has_terminal():
        options = " ".join(f"--answer {step}=approve" for step in missing)
        text = f"These steps ask somebody, and there is no terminal to ask on: {', '.join(missing)}. Say {options}."
        raise Failure(text, exit_code=OPSAAS_FAILED)
    return Answers(answers, waits)


def waited(step: Step, wait: Wait, *, seen: Seen, lease: OwnLease, waits: bool) -> Outcome:
    began = datetime.now(UTC)
    if not waits:
        say(f"opsaas: the wait of step {step.id} is skipped")
        return Outcome(kind=OutcomeKind.EXITED, exit_code=0)
    try:
        while (seconds := _left(wait, seen=seen, began=began)) > 0:
            if (datetime.now(UTC) - began).total_seconds() >= step.timeout_seconds:
                return Outcome(kind=OutcomeKind.TIMED_OUT, detail="What it waited for did not happen in time.")
            lease.wait(seconds)
            if lease.stop:
                return Outcome(kind=OutcomeKind.STOPPED, stop_reason=StopReason.CANCELLED)
    except ConditionFailed as error:
        return Outcome(kind=OutcomeKind.NOT_STARTED, detail=str(error))
    return Outcome(kind=OutcomeKind.EXITED, exit_code=0)


def _left(wait: Wait, *, seen: Seen, began: datetime) -> float:
    """Seconds until it is over, or until it has to be looked at again; 0 once it is."""
    now = datetime.now(UTC)
    if wait.until is not None:
        return 0 if holds(wait.until, vocabulary=FLOW, values={**seen, "now": now}) else LOOK_SECONDS
    end = began + timedelta(seconds=wait.seconds) if wait.seconds is not None else wait.moment(seen)
    assert end is not None
    return max(0.0, (end - now).total_seconds())


def _left_out(manual: Manual) -> Sequence[str]:
    named = f"a server would take the answer of {', '.join(manual.answered_by)} alone" if manual.answered_by else ""
    wanted = {Evidence.NOTE: "a server would want a note", Evidence.FILE: "a server would want a file"}
    return [text for text in (named, wanted.get(manual.evidence, "")) if text]


def _asked(step: Step) -> str:
    while True:
        print(f"{clean_line(step.id)}: done? [y/n] ", end="", file=sys.stderr, flush=True)
        if not (line := sys.stdin.readline()):
            return "reject"
        said = line.strip().lower()
        if said in YES or said in NO:
            return "approve" if said in YES else "reject"


def _parted(text: str) -> tuple[str, str]:
    step, _, verdict = text.partition("=")
    if not step or verdict not in VERDICTS:
        raise usage("Write an answer as STEP=approve or STEP=reject.")
    return step, verdict


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
