"""What happens next, as tables: how the steps stand, and what follows from it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from runbooks.domain.definition import parse_definition
from runbooks.domain.states import RunStatus, StepStatus
from runbooks.domain.workflow import Change, End, Facts, Next, Retry, StepFact, what_next
from tests.domain.examples import smallest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CANCEL = "The run was cancelled."
UNUSED = "No step went to it."


def after(*steps: dict[str, Any] | str, done: str = "", cleanup: tuple[str, ...] = (), **more: Any) -> Next:
    """What follows. STEPS are ids or fields; DONE says how they stand, as "a=succeeded b=failed:3 c=failed/2".

    `:3` is an exit code, `/2` the attempt, `!` after the status: it was never started; `~`: a retry not due yet.
    """
    data = smallest()
    fields = [{"id": step} if isinstance(step, str) else step for step in steps]
    data["spec"] = {"steps": [{"interpreter": ["sh"], "script": "true", **step} for step in fields]}
    if cleanup:
        data["spec"]["cleanup"] = list(cleanup)
    parameters = [{"name": "env", "type": "string", "required": False}]
    data["spec"]["parameters"] = parameters
    facts = dict(_fact(text) for text in done.split())
    return what_next(
        definition=parse_definition(data), facts=Facts(**{"steps": facts, "values": {}, "now": NOW, **more})
    )


def _fact(text: str) -> tuple[str, StepFact]:
    step, _, told = text.partition("=")
    told, _, code = told.partition(":")
    told, _, attempt = told.partition("/")
    fact = StepFact(
        status=StepStatus(told.rstrip("!~")),
        attempt=int(attempt or 1),
        exit_code=int(code) if code else 0 if told == "succeeded" else None,
        outputs={"left": "0"} if told == "succeeded" else {},
        started=not told.endswith("!"),
        delayed=told.endswith("~"),
    )
    return step, fact


CONTINUE = {"on_failure": "continue"}
TO_UNDO = {"on_failure": {"go_to": "undo"}}
TWICE = {"retries": {"count": 2, "delay": "10s"}}


@pytest.mark.parametrize(
    ("steps", "done", "queued"),
    [
        (["a", "b"], "", "a"),
        (["a", "b"], "a=succeeded", "b"),
        (["a", "b"], "a=skipped", "b"),
        ([{"id": "a", **CONTINUE}, "b"], "a=failed:3", "b"),
        ([{"id": "a", **CONTINUE}, "b"], "a=timed_out", "b"),
        ([{"id": "a", **TO_UNDO}, "b", "undo"], "a=failed:3", "undo"),
        (["undo", {"id": "a", **TO_UNDO}], "", "a"),
        (["a", {"id": "b", "when": 'steps.a.outputs.left == "0"'}], "a=succeeded", "b"),
        (["a", {"id": "b", "when": 'steps.a.status == "succeeded"'}], "a=succeeded", "b"),
        (["a", {"id": "b", "when": "has(params.env)"}, "c"], "a=succeeded", "c"),
        ([{"id": "a", **CONTINUE}, {"id": "b", "when": "steps.a.exit_code == 3"}], "a=failed:3", "b"),
    ],
)
def test_the_next_step_is_queued(steps: list[Any], done: str, queued: str) -> None:
    told = after(*steps, done=done)
    assert (told.queued, told.end, told.retry) == (queued, None, None)


@pytest.mark.parametrize("status", ["queued", "running", "waiting", "pending~"])
def test_nothing_follows_while_a_step_is_under_way(status: str) -> None:
    assert after("a", "b", done=f"a={status}") == Next()


@pytest.mark.parametrize(
    ("steps", "done", "end"),
    [
        (["a", "b"], "a=succeeded b=succeeded", End(RunStatus.SUCCEEDED, 0)),
        (["a", "b"], "a=skipped b=skipped", End(RunStatus.SUCCEEDED, 0)),
        (["a", "b"], "a=failed:3", End(RunStatus.FAILED, 3, "a")),
        (["a", "b"], "a=timed_out", End(RunStatus.TIMED_OUT, None, "a")),
        (["a", "b"], "a=cancelled:143", End(RunStatus.CANCELLED, 143, "a")),
        ([{"id": "a", **CONTINUE}, "b"], "a=failed:3 b=succeeded", End(RunStatus.FAILED, 3, "a")),
        ([{"id": "a", **CONTINUE}, "b"], "a=failed:3 b=failed:4", End(RunStatus.FAILED, 3, "a")),
        ([{"id": "a", **TO_UNDO}, "b", "undo"], "a=failed:3 undo=succeeded", End(RunStatus.FAILED, 3, "a")),
        ([{"id": "a", **TO_UNDO}, "b", "undo"], "a=failed:3 undo=failed:4", End(RunStatus.FAILED, 3, "a")),
        ([{"id": "a", **TO_UNDO}, "b", "undo"], "a=succeeded b=succeeded", End(RunStatus.SUCCEEDED, 0)),
    ],
)
def test_the_run_ends_as_its_first_failing_step(steps: list[Any], done: str, end: End) -> None:
    assert after(*steps, done=done).end == end


def test_what_never_runs_says_why() -> None:
    told = after({"id": "a", **TO_UNDO}, "b", {"id": "c", "on_failure": {"go_to": "other"}}, "undo", "other",
                 done="a=failed:3 undo=succeeded")  # fmt: skip
    failed = "“a” failed before it."
    assert told.skipped == [Change("b", failed), Change("c", failed), Change("other", UNUSED)]
    told = after("a", {"id": "b", "when": 'steps.a.outputs.left != "0"'}, done="a=succeeded")
    assert told.skipped == [Change("b", 'Its condition is false: steps.a.outputs.left != "0"')]


def test_a_condition_that_can_not_be_evaluated_fails_the_step_and_is_not_tried_again() -> None:
    steps: list[Any] = ["a", {"id": "b", "when": 'steps.a.outputs.gone == "0"', **TWICE}, "c"]
    told = after(*steps, done="a=succeeded")
    assert [change.step for change in told.broken] == ["b"]
    assert "steps.a.outputs.gone" in told.broken[0].reason
    assert told.end == End(RunStatus.FAILED, None, "b")
    again = after(*steps, done="a=succeeded b=failed!")
    assert (again.retry, again.end) == (None, End(RunStatus.FAILED, None, "b"))


@pytest.mark.parametrize(
    ("done", "retry"),
    [
        ("a=failed:1", Retry("a", 2, 3, 10.0)),
        ("a=timed_out", Retry("a", 2, 3, 10.0)),
        ("a=failed/2", Retry("a", 3, 3, 20.0)),
        ("a=failed/3", None),
        ("a=cancelled", None),
        ("a=lost", None),
        ("a=succeeded/2", None),
    ],
)
def test_only_a_failure_is_tried_again_as_often_as_declared_and_after_a_growing_pause(
    done: str, retry: Retry | None
) -> None:
    assert after({"id": "a", **TWICE}, "b", done=done).retry == retry


def test_without_declared_retries_nothing_is_tried_again() -> None:
    assert after("a", done="a=failed:1").retry is None


def test_a_pause_never_exceeds_an_hour() -> None:
    step = {"id": "a", "retries": {"count": 20, "delay": "10m", "factor": 10}}
    assert after(step, done="a=failed/9").retry == Retry("a", 10, 21, 3600.0)


def test_a_handler_may_have_one_of_its_own() -> None:
    steps: list[Any] = [{"id": "a", **TO_UNDO}, {"id": "undo", "on_failure": {"go_to": "alarm"}}, "alarm"]
    assert after(*steps, done="a=failed undo=failed").queued == "alarm"
    assert after(*steps, done="a=failed:3 undo=failed alarm=succeeded").end == End(RunStatus.FAILED, 3, "a")


@pytest.mark.parametrize(
    ("done", "main"),
    [
        ("a=succeeded", RunStatus.SUCCEEDED),
        ("a=failed:3", RunStatus.FAILED),
        ("a=timed_out", RunStatus.TIMED_OUT),
        ("a=cancelled", RunStatus.CANCELLED),
    ],
)
def test_cleanup_follows_every_end_but_lost(done: str, main: RunStatus) -> None:
    told = after("a", "undo", done=done, cleanup=("undo",))
    assert (told.queued, told.main and told.main.status, told.end) == ("undo", main, None)


def test_nothing_follows_a_lost_step() -> None:
    told = after("a", "undo", done="a=lost", cleanup=("undo",))
    assert (told.queued, told.end) == (None, End(RunStatus.LOST, None, "a"))


@pytest.mark.parametrize(
    ("main", "done", "end"),
    [
        ("succeeded", "a=succeeded undo=succeeded tidy=succeeded", End(RunStatus.SUCCEEDED, 0)),
        ("succeeded", "a=succeeded undo=failed:4 tidy=succeeded", End(RunStatus.FAILED, 4, "undo")),
        ("succeeded", "a=succeeded undo=timed_out tidy=succeeded", End(RunStatus.FAILED, None, "undo")),
        ("succeeded", "a=succeeded undo=cancelled tidy=skipped", End(RunStatus.CANCELLED, None, "undo")),
        ("failed", "a=failed:3 undo=failed:4 tidy=succeeded", End(RunStatus.FAILED, 3, "a")),
        ("timed_out", "a=timed_out undo=succeeded tidy=succeeded", End(RunStatus.TIMED_OUT, None, "a")),
        ("cancelled", "a=cancelled:143 undo=succeeded tidy=succeeded", End(RunStatus.CANCELLED, 143, "a")),
    ],
)
def test_the_end_is_that_of_the_main_part_but_for_a_failing_cleanup(main: str, done: str, end: End) -> None:
    assert after("a", "undo", "tidy", done=done, cleanup=("undo", "tidy"), main=RunStatus(main)).end == end


def test_each_cleanup_step_runs_whatever_those_before_it_did() -> None:
    told = after("a", "tidy", "undo", done="a=failed undo=failed", cleanup=("undo", "tidy"), main=RunStatus.FAILED)
    assert (told.queued, told.main) == ("tidy", None)


def test_a_cancel_between_two_steps_skips_the_rest_and_cleans_up() -> None:
    told = after("a", "b", "undo", done="a=succeeded", cleanup=("undo",), cancelled=True)
    assert told.skipped == [Change("b", CANCEL)]
    assert (told.queued, told.main) == ("undo", End(RunStatus.CANCELLED))


@pytest.mark.parametrize(
    ("done", "skipped", "stopped"),
    [
        ("a=queued", ["a", "b"], []),
        ("a=pending~/2", ["a", "b"], []),
        ("a=waiting", ["b"], ["a"]),
    ],
)
def test_a_cancel_ends_at_once_what_no_worker_holds(done: str, skipped: list[str], stopped: list[str]) -> None:
    told = after("a", "b", done=done, cancelled=True)
    assert [change.step for change in told.skipped] == skipped
    assert [change.step for change in told.stopped] == stopped
    assert told.end is not None
    assert told.end.status == RunStatus.CANCELLED


def test_a_cancel_waits_for_what_a_worker_holds() -> None:
    assert after("a", "b", done="a=running", cancelled=True) == Next()


def test_a_cancel_while_it_cleans_up_stops_nothing_and_a_second_one_does() -> None:
    steps, done = ["a", "undo", "tidy"], "a=succeeded undo=queued"
    asked: dict[str, Any] = {"cleanup": ("undo", "tidy"), "main": RunStatus.SUCCEEDED, "cancelled": True}
    assert after(*steps, done=done, **asked) == Next()
    told = after(*steps, done=done, cleanup_cancelled=True, **asked)
    assert told.skipped == [Change("undo", CANCEL), Change("tidy", CANCEL)]
    assert told.end == End(RunStatus.CANCELLED)
    assert after(*steps, done="a=succeeded undo=running", cleanup_cancelled=True, **asked) == Next()


def test_a_step_carried_over_counts_as_succeeded() -> None:
    carried = replace(_fact("a=skipped")[1], carried=True, outputs={"left": "0"})
    steps: list[Any] = ["a", {"id": "b", "when": 'steps.a.status == "succeeded" && steps.a.outputs.left == "0"'}]
    assert after(*steps, steps={"a": carried}).queued == "b"
