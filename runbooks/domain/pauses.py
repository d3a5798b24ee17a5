"""Steps that hold no worker: a question to people, or waiting until something is so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runbooks.domain.durations import seconds_of
from runbooks.domain.problems import Problem

DEFAULT_PAUSE = "24h"  # people need longer than scripts
ONLY_OF_SCRIPTS = ("interpreter", "secrets", "retries")
KINDS = ("script", "manual", "wait")


class Evidence(StrEnum):
    NONE = "none"
    NOTE = "note"  # a sentence of whoever answers is asked for


@dataclass(frozen=True)
class Manual:
    """Somebody does or looks at something, and says how it went."""

    ask: str  # Markdown
    evidence: Evidence = Evidence.NONE


@dataclass(frozen=True)
class Wait:
    """Exactly one of the two is given."""

    until: str | None = None  # CEL
    seconds: float | None = None


Pause = Manual | Wait


def pause_of(step: Mapping[str, Any]) -> Pause | None:
    """From the fields of a step that the schema has accepted; None for a script."""
    if "manual" in step:
        fields = step["manual"]
        return Manual(ask=fields["ask"], evidence=Evidence(fields.get("evidence", Evidence.NONE)))
    if "wait" in step:
        fields = step["wait"]
        return Wait(until=fields.get("until"), seconds=seconds_of(fields["for"]) if "for" in fields else None)
    return None


def kind_problems(step: Mapping[str, Any], *, pointer: str) -> Iterator[Problem]:
    """A step is one thing, and says nothing that only another kind would heed."""
    kinds = [kind for kind in KINDS if kind in step]
    if not kinds:
        yield Problem(f"{pointer}/script", "required", "This field is needed, or manual or wait in its place.")
    for kind in kinds[1:]:
        yield Problem(f"{pointer}/{kind}", "not_applicable", f"A step is one thing: this one has a {kinds[0]} already.")
    for name in ONLY_OF_SCRIPTS if kinds and kinds[0] != "script" else ():
        if name in step:
            yield Problem(f"{pointer}/{name}", "not_applicable", "Only a step with a script has this.")


def wait_problems(step: Mapping[str, Any], *, pointer: str, timeout_seconds: float) -> Iterator[Problem]:
    wait = pause_of(step)
    if not isinstance(wait, Wait):
        return
    pointer = f"{pointer}/wait"
    if (wait.until is None) == (wait.seconds is None):
        yield Problem(pointer, "bad_wait", "Say either until when (until) or how long (for).")
    if wait.seconds is not None and wait.seconds >= timeout_seconds:
        yield Problem(f"{pointer}/for", "out_of_range", "The step's timeout would end this wait before it is over.")
