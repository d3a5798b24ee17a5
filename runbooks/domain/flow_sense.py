"""What is wrong with the way through a definition's steps: each check names the field that has to change."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runbooks.domain.calls import sources_of
from runbooks.domain.conditions import FLOW, SO_FAR, START, Vocabulary, condition_problem
from runbooks.domain.flow import LONGEST_DELAY_SECONDS, Flow, OnFailure, flow_of, handlers_in
from runbooks.domain.moments import instant_of
from runbooks.domain.problems import Problem, shown

MOST_RETRIES = 20
LARGEST_FACTOR = 10

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_NAMED = re.compile(r"(?<![\w.])(steps|params)\.([a-zA-Z_]\w*)")


@dataclass(frozen=True)
class StepPlace:
    """The fields of a step that the schema has accepted, and where they stand."""

    pointer: str
    fields: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    @cached_property
    def flow(self) -> Flow:
        return flow_of(self.fields)


def flow_problems(
    spec: Mapping[str, Any], *, steps: Sequence[StepPlace], parameters: frozenset[str]
) -> Iterator[Problem]:
    ids = {step.id for step in steps}
    cleanup: Sequence[str] = spec.get("cleanup", ())
    handlers = handlers_in(step.flow for step in steps)
    yield from _cleanup_problems(cleanup, ids=ids, handlers=handlers)
    earlier: set[str] = set()
    for step in steps:
        apart = step.id in handlers or step.id in cleanup
        yield from _failure_problems(step, ids=ids, cleanup=cleanup, handlers=handlers)
        yield from _retry_problems(step)
        known = ids - {step.id} if apart else set(earlier)
        yield from _condition_problems(step, steps=ids, known=known, parameters=parameters)
        if not apart:
            earlier.add(step.id)
    yield from _circle_problems({step.id: step for step in steps})
    if not earlier:
        detail = "At least one step must be neither a cleanup step nor one that another goes to when it has failed."
        yield Problem("/spec/steps", "no_ordinary_step", detail)
    if "concurrency" in spec:
        key, place = spec["concurrency"]["key"], "/spec/concurrency/key"
        yield from text_problems(key, vocabulary=START, result="string", parameters=parameters, pointer=place)


def text_problems(
    text: str, *, vocabulary: Vocabulary, result: str, parameters: frozenset[str], pointer: str
) -> Iterator[Problem]:
    """What is wrong with an expression, but for the steps that it names."""
    if problem := condition_problem(text, vocabulary=vocabulary, result=result):
        yield Problem(pointer, "bad_condition", problem)
    for name in sorted(names_in(text, "params") - parameters):
        yield Problem(pointer, "unknown_parameter", f"There is no parameter {shown(name)} in this runbook.")


def names_in(text: str, of: str) -> set[str]:
    """The names that an expression takes from `steps` or `params`."""
    return {name for kind, name in _NAMED.findall(_QUOTED.sub('""', text)) if kind == of}


def _condition_problems(
    step: StepPlace, *, steps: set[str], known: set[str], parameters: frozenset[str]
) -> Iterator[Problem]:
    """KNOWN are the steps that may have run before this one."""
    wait = step.fields.get("wait", {})
    at = wait.get("at")
    for place, text, vocabulary, result in (
        ("when", step.flow.when, FLOW, "bool"),
        ("wait/until", wait.get("until"), FLOW, "bool"),
        ("wait/at", None if at is None or instant_of(at) else at, SO_FAR, "moment"),
        *((place, text, SO_FAR, "any") for place, text in sources_of(step.fields)),
    ):
        if text is not None:
            pointer = f"{step.pointer}/{place}"
            yield from text_problems(text, vocabulary=vocabulary, result=result, parameters=parameters, pointer=pointer)
            yield from _step_name_problems(text, steps=steps, known=known, pointer=pointer)


def _step_name_problems(text: str, *, steps: set[str], known: set[str], pointer: str) -> Iterator[Problem]:
    for name in sorted(names_in(text, "steps") - known):
        if name not in steps:
            yield Problem(pointer, "unknown_step", f"There is no step {shown(name)} in this runbook.")
        else:
            yield Problem(pointer, "later_step", f"The step {shown(name)} has not run yet when this is asked.")


def _cleanup_problems(cleanup: Sequence[str], *, ids: set[str], handlers: frozenset[str]) -> Iterator[Problem]:
    for index, name in enumerate(cleanup):
        pointer = f"/spec/cleanup/{index}"
        if name not in ids:
            yield Problem(pointer, "unknown_step", f"There is no step {shown(name)} in this runbook.")
        elif name in handlers:
            detail = f"The step {shown(name)} is gone to when another fails: it can't be a cleanup step as well."
            yield Problem(pointer, "not_applicable", detail)


def _failure_problems(
    step: StepPlace, *, ids: set[str], cleanup: Sequence[str], handlers: frozenset[str]
) -> Iterator[Problem]:
    if "on_failure" not in step.fields:
        return
    pointer = f"{step.pointer}/on_failure"
    if step.id in cleanup:
        detail = "A cleanup step runs whatever happened, and so do those after it: it has nothing to decide."
        yield Problem(pointer, "not_applicable", detail)
    elif step.flow.on_failure is OnFailure.GO_TO:
        if step.flow.go_to not in ids:
            detail = f"There is no step {shown(step.flow.go_to)} in this runbook."
            yield Problem(f"{pointer}/go_to", "unknown_step", detail)
    elif step.flow.on_failure is OnFailure.CONTINUE and step.id in handlers:
        detail = "This step runs in the place of others when one has failed: nothing follows to continue with."
        yield Problem(pointer, "not_applicable", detail)


def _retry_problems(step: StepPlace) -> Iterator[Problem]:
    if (retries := step.flow.retries) is None:
        return
    pointer = f"{step.pointer}/retries"
    if not 1 <= retries.count <= MOST_RETRIES:
        yield Problem(f"{pointer}/count", "out_of_range", f"This must be from 1 to {MOST_RETRIES}.")
    if retries.delay_seconds > LONGEST_DELAY_SECONDS:
        yield Problem(f"{pointer}/delay", "out_of_range", "A delay may be 1h at most.")
    if not 1 <= retries.factor <= LARGEST_FACTOR:
        yield Problem(f"{pointer}/factor", "out_of_range", f"This must be from 1 to {LARGEST_FACTOR}.")


def _circle_problems(steps: Mapping[str, StepPlace]) -> Iterator[Problem]:
    for step in steps.values():
        seen, at = {step.id}, step.flow.go_to
        while at in steps and at not in seen:
            seen.add(at)
            at = steps[at].flow.go_to
        if at == step.id:
            detail = "This leads back to the step itself: a failure would go round in a circle."
            yield Problem(f"{step.pointer}/on_failure/go_to", "circle", detail)
