"""Steps that hold no worker: a question to people, waiting for something or a moment, or for another runbook's run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from runbooks.domain.calls import Call, call_of
from runbooks.domain.conditions import SO_FAR, moment_of
from runbooks.domain.durations import seconds_of
from runbooks.domain.moments import instant_of
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Problem

DEFAULT_PAUSE = "24h"  # people need longer than scripts
LONGEST_WAIT_DAYS = 31  # until a moment; what is later is taken for a slip
PRINCIPAL = "^(user:[a-z0-9][a-z0-9._-]{0,63}|group:[a-z0-9][a-z0-9-]{0,63})$"
MOST_PRINCIPALS = 20
MOST_EVIDENCE = 5  # files of one answer
KINDS = ("script", "manual", "wait", "runbook")
ONLY_OF = {"interpreter": ("script",), "secrets": ("script",), "retries": ("script", "runbook")}


class Evidence(StrEnum):
    NONE = "none"
    NOTE = "note"  # a sentence of whoever answers is asked for
    FILE = "file"  # at least one file, of who says that it is done


@dataclass(frozen=True)
class Manual:
    """Somebody does or looks at something, and says how it went."""

    ask: str  # Markdown
    evidence: Evidence = Evidence.NONE
    answered_by: tuple[str, ...] = ()  # "user:name", "group:slug"; nobody named: whoever may run the runbook


@dataclass(frozen=True)
class Wait:
    """Exactly one of the three is given."""

    until: str | None = None  # CEL
    seconds: float | None = None
    at: str | None = None  # a moment as RFC 3339 writes it, or CEL that gives one

    def moment(self, seen: Mapping[str, JsonValue | datetime]) -> datetime | None:
        """The one that `at` names; SEEN is what conditions see. Raises ConditionFailed."""
        if self.at is None:
            return None
        values = {name: seen[name] for name in SO_FAR.maps}
        return instant_of(self.at) or moment_of(self.at, vocabulary=SO_FAR, values=values)


Pause = Manual | Wait | Call


def pause_of(step: Mapping[str, Any]) -> Pause | None:
    """From the fields of a step that the schema has accepted; None for a script."""
    if "manual" in step:
        fields = step["manual"]
        evidence = Evidence(fields.get("evidence", Evidence.NONE))
        return Manual(ask=fields["ask"], evidence=evidence, answered_by=tuple(fields.get("from", ())))
    if "wait" in step:
        fields = step["wait"]
        seconds = seconds_of(fields["for"]) if "for" in fields else None
        return Wait(until=fields.get("until"), seconds=seconds, at=fields.get("at"))
    return call_of(step["runbook"]) if "runbook" in step else None


def default_timeout(step: Mapping[str, Any]) -> str:
    """Of a step that names none and has no script."""
    return f"{LONGEST_WAIT_DAYS * 24}h" if "at" in step.get("wait", {}) else DEFAULT_PAUSE


def kind_problems(step: Mapping[str, Any], *, pointer: str) -> Iterator[Problem]:
    """A step is one thing, and says nothing that only another kind would heed."""
    kinds = [kind for kind in KINDS if kind in step]
    if not kinds:
        yield Problem(f"{pointer}/script", "required", "This field is needed, or manual, wait or runbook in its place.")
    for kind in kinds[1:]:
        yield Problem(f"{pointer}/{kind}", "not_applicable", f"A step is one thing: this one has a {kinds[0]} already.")
    for name, fit in ONLY_OF.items() if kinds else ():
        if name in step and kinds[0] not in fit:
            yield Problem(f"{pointer}/{name}", "not_applicable", f"Only a step with a {' or a '.join(fit)} has this.")


def wait_problems(step: Mapping[str, Any], *, pointer: str, timeout_seconds: float) -> Iterator[Problem]:
    wait = pause_of(step)
    if not isinstance(wait, Wait):
        return
    if wait.at is not None and "timeout" in step:
        detail = "A wait for a moment is over when that has come: it needs no timeout."
        yield Problem(f"{pointer}/timeout", "not_applicable", detail)
    pointer = f"{pointer}/wait"
    if sum(given is not None for given in (wait.until, wait.seconds, wait.at)) != 1:
        yield Problem(
            pointer, "bad_wait", "Say one of these: until what is so (until), until when (at), how long (for)."
        )
    if wait.seconds is not None and wait.seconds >= timeout_seconds:
        yield Problem(f"{pointer}/for", "out_of_range", "The step's timeout would end this wait before it is over.")
