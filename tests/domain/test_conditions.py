from datetime import UTC, datetime

import pytest

from runbooks.domain.conditions import FLOW, NODES, ConditionFailed, condition_problem, holds, text_of

VALUES = {
    "params": {"env": "staging", "count": 3, "hosts": ["a", "b"]},
    "steps": {"drain": {"outputs": {"left": "0"}}},
    "now": datetime(2026, 1, 1, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ('steps.drain.outputs.left == "0"', True),
        ('params.env == "production"', False),
        ("params.count > 2.5", True),
        ('"b" in params.hosts', True),
        ("has(steps.other)", False),
        ('now < timestamp("2027-01-01T00:00:00Z")', True),
        ('params.env.matches("^(s+)+$")', False),
    ],
)
def test_a_condition_is_true_or_false(text: str, truth: bool) -> None:
    assert condition_problem(text, vocabulary=FLOW) is None
    assert holds(text, vocabulary=FLOW, values=VALUES) is truth


@pytest.mark.parametrize("text", ["params.env", 'steps.other.outputs.x == "1"', "1 / 0 == 1", "params.env > 3"])
def test_what_can_not_be_evaluated_says_so_with_its_own_text(text: str) -> None:
    with pytest.raises(ConditionFailed) as told:
        holds(text, vocabulary=FLOW, values=VALUES)
    assert text in str(told.value)


@pytest.mark.parametrize(
    "text",
    ["", "1 +", "nope == 1", '"a" + "b"', "1", "name == 'x'", "(" * 5000 + "true" + ")" * 5000, "true" + " " * 1000],
)
def test_a_condition_that_can_never_work_is_told_as_it_is_written(text: str) -> None:
    assert condition_problem(text, vocabulary=FLOW)


def test_iterations_are_limited() -> None:
    digits = "[0,1,2,3,4,5,6,7,8,9]"
    text = "true"
    for name in "abcdefg":
        text = f"{digits}.all({name}, {text})"
    assert condition_problem(text, vocabulary=FLOW) is None
    with pytest.raises(ConditionFailed):
        holds(text, vocabulary=FLOW, values=VALUES)


def test_a_selector_knows_a_node_and_the_parameters() -> None:
    node = {"name": "db1", "tags": ["db"], "attributes": {"role": "primary"}, "params": {"host": "db1"}}
    text = 'name == params.host && "db" in tags && attributes.role == "primary"'
    assert condition_problem(text, vocabulary=NODES) is None
    assert holds(text, vocabulary=NODES, values=node)


def test_a_key_is_text_whatever_the_parameters_type() -> None:
    assert condition_problem("params.count", vocabulary=FLOW, result="string") is None
    assert text_of("params.count", vocabulary=FLOW, values=VALUES) == "3"
    with pytest.raises(ConditionFailed):
        text_of("params.hosts", vocabulary=FLOW, values=VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "params.hosts.map(a, a + a + a).map(b, b + b + b).size() > 0",
        "[params.env].map(a, a + a).size() > 0",
        "[1]" + ".map(a, [a, a])" * 30 + " == [1]" + ".map(a, [a, a])" * 30,
        "[1].map(a, [a].map//(\n(b, [b, a])).size() > 0",
    ],
)
def test_nothing_grows_with_each_turn_of_a_loop(text: str) -> None:
    """Sixty more characters of the same would take all memory there is, or a year."""
    assert condition_problem(text, vocabulary=FLOW)
    with pytest.raises(ConditionFailed):
        holds(text, vocabulary=FLOW, values=VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "steps.drain.outputs.token",
        'params[steps.drain.outputs.token] == "x"',
        '"x".matches(steps.drain.outputs.token)',
        'timestamp(steps.drain.outputs.token) > timestamp("2020-01-01T00:00:00Z")',
        "int(steps.drain.outputs.token) > 1",
    ],
)
def test_why_a_condition_failed_never_repeats_what_a_script_handed_on(text: str) -> None:
    """The reason is shown to whoever sees the run, and outputs only to those who may read them."""
    values = {**VALUES, "steps": {"drain": {"outputs": {"token": "hunter2-and-more("}}}}
    with pytest.raises(ConditionFailed) as told:
        holds(text, vocabulary=FLOW, values=values)
    assert "hunter2" not in str(told.value)
    with pytest.raises(ConditionFailed) as told:
        text_of(text, vocabulary=FLOW, values={**VALUES, "steps": {"drain": {"outputs": {"token": ["hunter2("]}}}})
    assert "hunter2" not in str(told.value)


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(ConditionFailed, match="nobody"):
        holds('params.nobody == "x"', vocabulary=FLOW, values=VALUES)
