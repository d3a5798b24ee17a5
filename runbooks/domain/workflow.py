"""What happens next in a run: a pure function of the definition, of how the steps stand, and of what was asked.

The ordinary steps run in their order. A failure stops them, or goes on, or goes to a handler, which takes the place of
the rest. Then come the cleanup steps, whatever happened. A step counts once here, on however many nodes it runs: its
fact is that of the step as a whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from runbooks.domain.calls import Call
from runbooks.domain.conditions import FLOW, ConditionFailed, holds
from runbooks.domain.definition import Definition, ordinary_steps
from runbooks.domain.flow import OnFailure, handlers_in
from runbooks.domain.ports import JsonValue
from runbooks.domain.states import RunStatus, StepStatus

FAILURES = frozenset({StepStatus.FAILED, StepStatus.TIMED_OUT})
UNDER_WAY = frozenset({StepStatus.QUEUED, StepStatus.RUNNING, StepStatus.WAITING})
CANCELLED = "The run was cancelled."


@dataclass(frozen=True)
class StepFact:
    """How a step stands, by its latest attempt."""

    status: StepStatus = StepStatus.PENDING
    attempt: int = 1
    exit_code: int | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    started: bool = False  # or it never was, such as one whose condition could not be evaluated
    delayed: bool = False  # a next attempt that is not due yet
    tolerated: bool = False  # it failed on no more nodes than it may
    carried: bool = False  # it had succeeded in the run that this one resumes

    def as_seen(self) -> dict[str, JsonValue]:
        """For conditions."""
        status = StepStatus.SUCCEEDED if self.carried else self.status
        seen: dict[str, JsonValue] = {"status": str(status), "outputs": dict(self.outputs), "attempt": self.attempt}
        return seen if self.exit_code is None else {**seen, "exit_code": self.exit_code}


@dataclass(frozen=True)
class Facts:
    steps: Mapping[str, StepFact]
    values: Mapping[str, JsonValue]
    now: datetime
    cancelled: bool = False
    main: RunStatus | None = None  # how the main part ended, once the cleanup has begun
    cleanup_cancelled: bool = False


@dataclass(frozen=True)
class Change:
    """A step that ends without having run, and why."""

    step: str
    reason: str


@dataclass(frozen=True)
class Retry:
    step: str
    attempt: int
    most: int  # attempts that there may be
    delay_seconds: float


@dataclass(frozen=True)
class End:
    status: RunStatus
    exit_code: int | None = None
    culprit: str = ""  # id of the step that decided it


@dataclass
class Next:
    """All that follows at once. Nothing queued, nothing to retry and no end: something is still under way."""

    skipped: list[Change] = field(default_factory=list)
    broken: list[Change] = field(default_factory=list)  # failed without a start
    stopped: list[Change] = field(default_factory=list)  # waited, and are cancelled
    queued: str | None = None
    retry: Retry | None = None
    main: End | None = None  # so the main part has ended just now, and the cleanup begins
    end: End | None = None


def seen_by_conditions(facts: Facts) -> dict[str, JsonValue | datetime]:
    """What the vocabulary FLOW names."""
    steps = {step: fact.as_seen() for step, fact in facts.steps.items()}
    return {"params": dict(facts.values), "steps": steps, "now": facts.now}


def what_next(*, definition: Definition, facts: Facts) -> Next:
    walk = _Walk(definition, facts)
    walk.go()
    return walk.next


class _Walk:
    """One look along the steps, which changes its own copy of the facts as it decides."""

    def __init__(self, definition: Definition, facts: Facts) -> None:
        self.facts = facts
        self.now: dict[str, StepFact] = {step.id: facts.steps.get(step.id, StepFact()) for step in definition.steps}
        self.steps = {step.id: step for step in definition.steps}
        self.cleanup = definition.cleanup
        self.handlers = handlers_in(step.flow for step in definition.steps)
        self.ordinary = ordinary_steps(definition)
        self.next = Next()

    def go(self) -> None:
        if lost := self._first({StepStatus.LOST}):
            self.next.end = End(RunStatus.LOST, self.now[lost].exit_code, lost)
            return
        self._heed_cancels()
        if any(fact.status in UNDER_WAY or fact.delayed for fact in self.now.values()):
            return
        main = self.facts.main or self._main_part()
        if main is None:
            return
        so_far = self._end(main)
        if self._cleanup_part():
            self.next.main = None if self.facts.main else so_far
            return
        self.next.end = self._end(main)

    def _heed_cancels(self) -> None:
        """What is in nobody's hands ends here; a worker hears of it with its lease, and another runbook's run is
        cancelled by itself."""
        doomed: Iterable[str] = ()
        if self.facts.cancelled and not self.facts.main:
            doomed = [*self.ordinary, *self.handlers]
        elif self.facts.cleanup_cancelled:
            doomed = self.cleanup
        for step in doomed:
            fact = self.now[step]
            if fact.status is StepStatus.WAITING and not isinstance(self.steps[step].pause, Call):
                self._put(step, StepStatus.CANCELLED, self.next.stopped, CANCELLED)
            elif fact.status is StepStatus.QUEUED or fact.delayed:
                self._put(step, StepStatus.SKIPPED, self.next.skipped, CANCELLED)

    def _main_part(self) -> RunStatus | None:
        """How it ended; None while something of it is under way."""
        if self.facts.cancelled or self._first({StepStatus.CANCELLED}, among=[*self.ordinary, *self.handlers]):
            self._skip([*self.ordinary, *self.handlers], CANCELLED)
            return self._verdict()
        for step in self.ordinary:
            if self._started(step) or self._retried(step):
                return None
            goes_on = self.now[step].tolerated or self.steps[step].flow.on_failure is OnFailure.CONTINUE
            if self.now[step].status not in FAILURES or goes_on:
                continue
            if self._in_handlers(step):
                return None
            self._skip(self.ordinary, f"“{step}” failed before it.")
            break
        self._skip(self.handlers, "No step went to it.")
        return self._verdict()

    def _in_handlers(self, step: str) -> bool:
        """Whether one of the handlers that this failed step leads to is under way now."""
        seen = {step}
        while (step := self.steps[step].flow.go_to) and step not in seen:
            seen.add(step)
            if self._started(step) or self._retried(step):
                return True
            if self.now[step].status not in FAILURES:
                return False
        return False

    def _cleanup_part(self) -> bool:
        """Whether one of its steps is under way now."""
        if self.facts.cleanup_cancelled:
            self._skip(self.cleanup, CANCELLED)
            return False
        return any(self._started(step) or self._retried(step) for step in self.cleanup)

    def _started(self, step: str) -> bool:
        """Queues a step that has not run yet, unless its condition keeps it from running."""
        if self.now[step].status is not StepStatus.PENDING:
            return False
        when = self.steps[step].flow.when
        try:
            wanted = when is None or holds(when, vocabulary=FLOW, values=self._vocabulary())
        except ConditionFailed as error:
            self._put(step, StepStatus.FAILED, self.next.broken, str(error))
            return False
        if wanted:
            self.next.queued = step
        else:
            self._put(step, StepStatus.SKIPPED, self.next.skipped, f"Its condition is false: {when}")
        return wanted

    def _retried(self, step: str) -> bool:
        fact, retries = self.now[step], self.steps[step].flow.retries
        if fact.status not in FAILURES or not fact.started or retries is None or fact.attempt > retries.count:
            return False
        self.next.retry = Retry(step, fact.attempt + 1, retries.count + 1, retries.delay_after(fact.attempt))
        return True

    def _skip(self, steps: Iterable[str], reason: str) -> None:
        for step in self.steps:
            if step in steps and self.now[step].status is StepStatus.PENDING:
                self._put(step, StepStatus.SKIPPED, self.next.skipped, reason)

    def _put(self, step: str, status: StepStatus, changes: list[Change], reason: str) -> None:
        self.now[step] = replace(self.now[step], status=status, delayed=False)
        changes.append(Change(step, reason))

    def _verdict(self) -> RunStatus:
        if culprit := self._first(FAILURES, among=self.ordinary):
            return RunStatus(self.now[culprit].status)
        stopped = self.facts.cancelled or self._first({StepStatus.CANCELLED}, among=[*self.ordinary, *self.handlers])
        return RunStatus.CANCELLED if stopped else RunStatus.SUCCEEDED

    def _end(self, main: RunStatus) -> End:
        """The end is that of the main part, but for a cleanup that did not do its work."""
        culprit = self._first(FAILURES) or self._first({StepStatus.CANCELLED})
        if main is RunStatus.SUCCEEDED and culprit:
            failed = self.now[culprit].status in FAILURES
            main = RunStatus.FAILED if failed else RunStatus.CANCELLED
        if main is RunStatus.SUCCEEDED:
            cut = any(change.step in self.cleanup and change.reason == CANCELLED for change in self.next.skipped)
            return End(RunStatus.CANCELLED) if cut else End(main, 0)
        return End(main, self.now[culprit].exit_code if culprit else None, culprit)

    def _first(self, statuses: Iterable[StepStatus], *, among: Iterable[str] | None = None) -> str:
        """In the order in which they run."""
        order = [*self.ordinary, *(step for step in self.steps if step in self.handlers), *self.cleanup]
        return next((step for step in (order if among is None else among) if self.now[step].status in statuses), "")

    def _vocabulary(self) -> dict[str, JsonValue | datetime]:
        return seen_by_conditions(replace(self.facts, steps=self.now))
