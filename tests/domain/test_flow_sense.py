from typing import Any

import pytest

from runbooks.domain.definition import accepted_definition, parse_definition
from runbooks.domain.flow import Concurrency, Flow, OnConflict, OnFailure, Retries
from runbooks.domain.problems import Invalid
from tests.domain.examples import smallest

CONDITION = "/spec/steps/1/when"


def made(*steps: dict[str, Any], **spec: Any) -> dict[str, Any]:
    data = smallest()
    data["spec"] = {
        "parameters": [{"name": "host", "type": "string"}],
        "steps": [{"interpreter": ["sh"], "script": "true", **step} for step in steps],
        **spec,
    }
    return data


def test_the_way_through_the_steps_is_read() -> None:
    data = made(
        {"id": "a", "when": 'params.host != ""', "retries": {"count": 2, "delay": "10s"}},
        {"id": "b", "on_failure": {"go_to": "fix"}},
        {"id": "c", "on_failure": "continue"},
        {"id": "fix"},
        {"id": "undo"},
        cleanup=["undo"],
        concurrency={"key": "params.host"},
    )
    definition = parse_definition(data)
    assert [step.flow for step in definition.steps] == [
        Flow('params.host != ""', Retries(2, 10.0, 2.0)),
        Flow(on_failure=OnFailure.GO_TO, go_to="fix"),
        Flow(on_failure=OnFailure.CONTINUE),
        Flow(),
        Flow(),
    ]
    assert definition.cleanup == ("undo",)
    assert definition.concurrency == Concurrency("params.host", OnConflict.REJECT)
    assert accepted_definition(data) == definition


A, B = {"id": "a"}, {"id": "b"}


@pytest.mark.parametrize(
    ("data", "pointer", "code"),
    [
        (made(A, {**B, "when": "1 +"}), CONDITION, "bad_condition"),
        (made(A, {**B, "when": "1"}), CONDITION, "bad_condition"),
        (made(A, {**B, "when": 'steps.c.status == "x"'}), CONDITION, "unknown_step"),
        (made(A, {**B, "when": 'steps.b.status == "x"'}), CONDITION, "later_step"),
        (made(A, {**B, "when": 'params.nope == "x"'}), CONDITION, "unknown_parameter"),
        (made({**A, "when": 'steps.b.status == "x"'}, B), "/spec/steps/0/when", "later_step"),
        (made({**A, "when": 'steps.b.status == "x"'}, B, cleanup=["b"]), "/spec/steps/0/when", "later_step"),
        (made(A, cleanup=["b"]), "/spec/cleanup/0", "unknown_step"),
        (made(A, B, cleanup=["b", "b"]), "/spec/cleanup", "repeated"),
        (made({**A, "on_failure": {"go_to": "b"}}, B, cleanup=["b"]), "/spec/cleanup/0", "not_applicable"),
        (made({**A, "on_failure": {"go_to": "c"}}, B), "/spec/steps/0/on_failure/go_to", "unknown_step"),
        (made(B, {**A, "on_failure": {"go_to": "a"}}), "/spec/steps/1/on_failure/go_to", "circle"),
        (made({**A, "on_failure": "ignore"}), "/spec/steps/0/on_failure", "bad_format"),
        (made({**A, "on_failure": {}}), "/spec/steps/0/on_failure/go_to", "required"),
        (made(A, {**B, "on_failure": "continue"}, cleanup=["b"]), "/spec/steps/1/on_failure", "not_applicable"),
        (
            made({**A, "on_failure": {"go_to": "b"}}, {**B, "on_failure": "continue"}),
            "/spec/steps/1/on_failure",
            "not_applicable",
        ),
        (made(A, cleanup=["a"]), "/spec/steps", "no_ordinary_step"),
        (made({**A, "retries": {}}), "/spec/steps/0/retries/count", "required"),
        (made({**A, "retries": {"count": 0}}), "/spec/steps/0/retries/count", "out_of_range"),
        (made({**A, "retries": {"count": 21}}), "/spec/steps/0/retries/count", "out_of_range"),
        (made({**A, "retries": {"count": 1.5}}), "/spec/steps/0/retries/count", "wrong_type"),
        (made({**A, "retries": {"count": 1, "delay": "2h"}}), "/spec/steps/0/retries/delay", "out_of_range"),
        (made({**A, "retries": {"count": 1, "delay": "soon"}}), "/spec/steps/0/retries/delay", "bad_format"),
        (made({**A, "retries": {"count": 1, "factor": 0.5}}), "/spec/steps/0/retries/factor", "out_of_range"),
        (made(A, concurrency={"key": "steps.a.status"}), "/spec/concurrency/key", "bad_condition"),
        (made(A, concurrency={"key": "true"}), "/spec/concurrency/key", "bad_condition"),
        (made(A, concurrency={"key": "params.nope"}), "/spec/concurrency/key", "unknown_parameter"),
        (
            made(A, concurrency={"key": "params.host", "on_conflict": "no"}),
            "/spec/concurrency/on_conflict",
            "not_a_choice",
        ),
        (made(A, concurrency={}), "/spec/concurrency/key", "required"),
    ],
)
def test_nonsense_is_told_at_the_field_that_has_to_change(data: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as told:
        parse_definition(data)
    assert [(problem.pointer, problem.code) for problem in told.value.problems] == [(pointer, code)]


def test_handlers_that_lead_to_each_other_are_told_once_each() -> None:
    to = {step: {"on_failure": {"go_to": step}} for step in "bc"}
    with pytest.raises(Invalid) as told:
        parse_definition(made({**A, **to["b"]}, {**B, **to["c"]}, {"id": "c", **to["b"]}))
    places = ["/spec/steps/1/on_failure/go_to", "/spec/steps/2/on_failure/go_to"]
    assert [(problem.pointer, problem.code) for problem in told.value.problems] == [
        (place, "circle") for place in places
    ]


@pytest.mark.parametrize(
    "when",
    ['params.host == "steps.nope.status"', "params.host == 'it\\'s params.nope'", "has(steps.a.outputs.left)"],
)
def test_what_stands_in_quotes_names_nothing(when: str) -> None:
    assert parse_definition(made(A, {**B, "when": when})).steps[1].flow.when == when


def test_cleanup_steps_and_handlers_may_look_at_all_others() -> None:
    when = {"when": 'steps.last.status == "failed"'}
    steps: list[dict[str, Any]] = [
        {"id": "a", "on_failure": {"go_to": "fix"}},
        {"id": "fix", **when},
        {"id": "undo", **when},
        {"id": "last"},
    ]
    assert parse_definition(made(*steps, cleanup=["undo"])).cleanup == ("undo",)
