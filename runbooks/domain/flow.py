"""What a definition says of the way through its steps: conditions, retries, failures, and of runs side by side."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runbooks.domain.durations import seconds_of

LONGEST_DELAY_SECONDS = 3600.0  # between two attempts, however often the delay has been multiplied
DEFAULT_FACTOR = 2.0


@dataclass(frozen=True)
class Retries:
    """How often a step is tried again after it has failed; the author says that it may be."""

    count: int
    delay_seconds: float = 0.0
    factor: float = DEFAULT_FACTOR

    def delay_after(self, attempt: int) -> float:
        """The pause after ATTEMPT, counted from 1, has failed."""
        return min(self.delay_seconds * self.factor ** (attempt - 1), LONGEST_DELAY_SECONDS)


class OnFailure(StrEnum):
    STOP = "stop"  # the steps that follow are skipped
    CONTINUE = "continue"  # they run all the same; the run has failed at its end
    GO_TO = "go_to"  # a handler runs in their place


@dataclass(frozen=True)
class Flow:
    """When a step runs, and what its failure leads to."""

    when: str | None = None  # CEL; None: always
    retries: Retries | None = None
    on_failure: OnFailure = OnFailure.STOP
    go_to: str = ""  # id of the handler


NO_FLOW = Flow()


class OnConflict(StrEnum):
    REJECT = "reject"
    QUEUE = "queue"


@dataclass(frozen=True)
class Concurrency:
    """Of the runs of one runbook with the same key, one at a time."""

    key: str  # CEL that gives a text
    on_conflict: OnConflict


def flow_of(step: Mapping[str, Any]) -> Flow:
    """From the fields of a step that the schema has accepted."""
    retries, failure = step.get("retries"), step.get("on_failure", OnFailure.STOP)
    handled = isinstance(failure, dict)
    return Flow(
        when=step.get("when"),
        retries=_retries(retries) if retries else None,
        on_failure=OnFailure.GO_TO if handled else OnFailure(failure),
        go_to=failure["go_to"] if handled else "",
    )


def concurrency_of(spec: Mapping[str, Any]) -> Concurrency | None:
    fields = spec.get("concurrency")
    return Concurrency(fields["key"], OnConflict(fields.get("on_conflict", OnConflict.REJECT))) if fields else None


def handlers_in(flows: Iterable[Flow]) -> frozenset[str]:
    """Ids of the steps that only run when another goes to them."""
    return frozenset(flow.go_to for flow in flows if flow.on_failure is OnFailure.GO_TO)


def _retries(fields: Mapping[str, Any]) -> Retries:
    delay = seconds_of(fields["delay"]) if "delay" in fields else 0.0
    return Retries(fields["count"], delay, float(fields.get("factor", DEFAULT_FACTOR)))
