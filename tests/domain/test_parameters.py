import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runbooks.domain import form_values
from runbooks.domain.parameters import Parameter, ParameterType, clean_values
from runbooks.domain.problems import Invalid

STRING, TEXT, INTEGER = ParameterType.STRING, ParameterType.TEXT, ParameterType.INTEGER
NUMBER, BOOLEAN, CHOICE = ParameterType.NUMBER, ParameterType.BOOLEAN, ParameterType.CHOICE
CHOICES, DATETIME = ParameterType.CHOICES, ParameterType.DATETIME

TYPED = (
    Parameter("env", CHOICE, choices=("staging", "production")),
    Parameter("count", INTEGER, required=False, default=2, min=1, max=5),
    Parameter("digits", STRING, required=False, pattern="[0-9]+"),
    Parameter("free", TEXT, required=False),
    Parameter("ratio", NUMBER, required=False, min=0, max=1),
    Parameter("force", BOOLEAN, required=False),
    Parameter("days", CHOICES, required=False, choices=("mon", "tue", "wed"), max=2),
    Parameter("at", DATETIME, required=False, earliest="2026-01-01T00:00:00Z", latest="2027-01-01T00:00:00+01:00"),
)


def values_from_form(parameters: tuple[Parameter, ...], fields: dict[str, str]) -> dict[str, Any]:
    """Of a form that has each field once."""
    return form_values.values_from_form(parameters, {name: [posted] for name, posted in fields.items()})


def refused(given: object, parameters: tuple[Parameter, ...] = TYPED) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        clean_values(parameters, given)
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


def test_defaults_are_filled_in_and_what_may_be_left_out_is_left_out() -> None:
    assert clean_values(TYPED, {"env": "staging"}) == {"env": "staging", "count": 2}
    assert clean_values((), {}) == {}


def test_values_come_in_the_order_of_the_parameters() -> None:
    values = {"force": False, "free": "x\r\ny\n", "ratio": 0.5, "digits": "007", "count": 5, "env": "production"}
    cleaned = clean_values(TYPED, values)
    assert cleaned == values
    assert list(cleaned) == ["env", "count", "digits", "free", "ratio", "force"]


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({}, "/parameters/env", "required"),
        ({"env": "moon"}, "/parameters/env", "not_a_choice"),
        ({"env": "staging\n"}, "/parameters/env", "not_a_choice"),
        ({"env": None}, "/parameters/env", "not_a_choice"),
        ({"env": ["staging"]}, "/parameters/env", "not_a_choice"),
        ({"count": 9}, "/parameters/count", "too_large"),
        ({"count": 0}, "/parameters/count", "too_small"),
        ({"count": "2; rm"}, "/parameters/count", "wrong_type"),
        ({"count": "2"}, "/parameters/count", "wrong_type"),
        ({"count": True}, "/parameters/count", "wrong_type"),
        ({"count": None}, "/parameters/count", "wrong_type"),
        ({"count": 2.5}, "/parameters/count", "wrong_type"),
        ({"count": 2**53}, "/parameters/count", "number_out_of_range"),
        ({"count": 10**400}, "/parameters/count", "number_out_of_range"),
        ({"count": float("nan")}, "/parameters/count", "number_not_finite"),
        ({"digits": "1\n"}, "/parameters/digits", "many_lines"),
        ({"digits": "1\n"}, "/parameters/digits", "pattern_mismatch"),
        ({"digits": "x1"}, "/parameters/digits", "pattern_mismatch"),
        ({"digits": "1x"}, "/parameters/digits", "pattern_mismatch"),
        ({"digits": ""}, "/parameters/digits", "pattern_mismatch"),
        ({"digits": "٣"}, "/parameters/digits", "pattern_mismatch"),
        ({"digits": 1}, "/parameters/digits", "wrong_type"),
        ({"digits": "1\0"}, "/parameters/digits", "nul_character"),
        ({"free": "1\0"}, "/parameters/free", "nul_character"),
        ({"free": "\ud800"}, "/parameters/free", "lone_surrogate"),
        ({"free": {}}, "/parameters/free", "wrong_type"),
        ({"free": "x" * (1024 * 1024 + 1)}, "/parameters/free", "too_long"),
        ({"free": "é" * (512 * 1024 + 1)}, "/parameters/free", "too_long"),
        ({"ratio": 1.5}, "/parameters/ratio", "too_large"),
        ({"ratio": -1e-9}, "/parameters/ratio", "too_small"),
        ({"ratio": False}, "/parameters/ratio", "wrong_type"),
        ({"ratio": float("inf")}, "/parameters/ratio", "number_not_finite"),
        ({"force": "true"}, "/parameters/force", "wrong_type"),
        ({"force": 1}, "/parameters/force", "wrong_type"),
        ({"days": "mon"}, "/parameters/days", "wrong_type"),
        ({"days": None}, "/parameters/days", "wrong_type"),
        ({"days": ["mon", "sun"]}, "/parameters/days", "not_a_choice"),
        ({"days": [["mon"]]}, "/parameters/days", "not_a_choice"),
        ({"days": ["mon", "mon"]}, "/parameters/days", "repeated"),
        ({"days": ["mon", "tue", "wed"]}, "/parameters/days", "too_many"),
        ({"at": 5}, "/parameters/at", "wrong_type"),
        ({"at": "tomorrow"}, "/parameters/at", "bad_format"),
        ({"at": "2026-11-21T14:00:00"}, "/parameters/at", "bad_format"),
        ({"at": "2026-11-21 14:00:00Z"}, "/parameters/at", "bad_format"),
        ({"at": "2026-11-21t14:00:00z"}, "/parameters/at", "bad_format"),
        ({"at": "2026-02-30T14:00:00Z"}, "/parameters/at", "bad_format"),
        ({"at": "2026-11-21T14:00:60Z"}, "/parameters/at", "bad_format"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "/parameters/at", "bad_format"),
        ({"at": "2026-11-21T14:00:00Z\n"}, "/parameters/at", "bad_format"),
        ({"at": "2026-01-01T00:30:00+01:00"}, "/parameters/at", "too_early"),
        ({"at": "2026-12-31T23:00:01Z"}, "/parameters/at", "too_late"),
        ({"more": 1}, "/parameters/more", "unknown_parameter"),
        ({"a/b": 1}, "/parameters/a~1b", "unknown_parameter"),
        ({"\ud800": 1}, "/parameters/\\ud800", "unknown_parameter"),
        ({7: 1}, "/parameters/7", "unknown_parameter"),
        ([], "/parameters", "wrong_type"),
        (None, "/parameters", "wrong_type"),
        ("env=staging", "/parameters", "wrong_type"),
    ],
)
def test_a_bad_value_is_refused_at_its_own_field(given: Any, pointer: str, code: str) -> None:
    if isinstance(given, dict) and given:
        given = {"env": "staging", **given}
    found = refused(given)
    assert (pointer, code) in found
    assert {place for place, _ in found} == {pointer}


def test_all_bad_values_are_told_at_once() -> None:
    assert refused({"count": 9, "more": 1, "free": 2}) == [
        ("/parameters/more", "unknown_parameter"),
        ("/parameters/env", "required"),
        ("/parameters/count", "too_large"),
        ("/parameters/free", "wrong_type"),
    ]


def test_all_values_together_have_a_limit() -> None:
    parameters = tuple(Parameter(f"t{number}", TEXT, required=False) for number in range(3))
    half = "x" * (512 * 1024)
    assert clean_values(parameters, {"t0": half, "t1": half})
    assert refused({"t0": half, "t1": half, "t2": "x"}, parameters) == [("/parameters", "too_long")]


def test_a_string_is_one_line_and_a_text_any_number() -> None:
    parameters = (Parameter("s", STRING, required=False), Parameter("t", TEXT, required=False))
    for break_ in ("\n", "\r", "\r\n"):
        assert refused({"s": f"a{break_}b"}, parameters) == [("/parameters/s", "many_lines")]
        assert clean_values(parameters, {"t": f"a{break_}b"}) == {"t": f"a{break_}b"}


def test_a_whole_number_in_the_spelling_of_a_fraction_is_that_number() -> None:
    value = clean_values((Parameter("n", INTEGER),), {"n": 2.0})["n"]
    assert value == 2
    assert isinstance(value, int)


def test_what_is_falsy_is_given_all_the_same() -> None:
    parameters = (
        Parameter("s", STRING),
        Parameter("n", INTEGER, required=False, default=1),
        Parameter("b", BOOLEAN, required=False, default=True),
    )
    assert clean_values(parameters, {"s": "", "n": 0, "b": False}) == {"s": "", "n": 0, "b": False}


def test_a_default_that_is_falsy_is_a_default() -> None:
    parameters = (
        Parameter("s", STRING, required=False, default=""),
        Parameter("n", INTEGER, required=False, default=0),
        Parameter("b", BOOLEAN, required=False, default=False),
    )
    assert clean_values(parameters, {}) == {"s": "", "n": 0, "b": False}


def test_a_pattern_holds_for_the_whole_value_with_alternatives_too() -> None:
    parameters = (Parameter("s", STRING, pattern="a|b"),)
    assert refused({"s": "ab"}, parameters) == [("/parameters/s", "pattern_mismatch")]
    assert clean_values(parameters, {"s": "b"}) == {"s": "b"}


def test_choices_and_moments_stay_as_they_were_given() -> None:
    given = {"env": "staging", "count": 2, "days": ["tue", "mon"], "at": "2026-11-21T14:00:00.5+05:30"}
    assert clean_values(TYPED, given) == given


def test_choices_that_are_needed_are_at_least_one_unless_the_author_says_otherwise() -> None:
    needed = (Parameter("c", CHOICES, choices=("x", "y")),)
    assert refused({"c": []}, needed) == [("/parameters/c", "too_few")]
    assert refused({}, needed) == [("/parameters/c", "required")]
    assert clean_values((Parameter("c", CHOICES, choices=("x",), min=0),), {"c": []}) == {"c": []}
    assert clean_values((Parameter("c", CHOICES, required=False, choices=("x",)),), {"c": []}) == {"c": []}


def test_a_form_gives_choices_as_a_list_and_moments_in_utc() -> None:
    fields = {"env": ["staging"], "days": ["mon", "wed"], "at": ["2026-11-21T14:00"]}
    values = form_values.values_from_form(TYPED, fields)
    assert (values["days"], values["at"]) == (["mon", "wed"], "2026-11-21T14:00:00Z")
    assert form_values.values_from_form(TYPED, {"at": ["2026-11-21 14:00:30.5"]})["at"] == "2026-11-21T14:00:30.5Z"
    assert form_values.values_from_form(TYPED, {"at": ["noon"]})["at"] == "noon"


def test_choices_that_were_all_unticked_are_none_and_not_the_default() -> None:
    parameters = (Parameter("c", CHOICES, required=False, default=["x"], choices=("x", "y")),)
    assert clean_values(parameters, form_values.values_from_form(parameters, {})) == {"c": []}
    assert form_values.values_from_form((Parameter("c", CHOICES, required=False, choices=("x",)),), {}) == {}


def test_a_pattern_that_would_stall_others_does_not_stall() -> None:
    parameters = (Parameter("s", TEXT, pattern="(x+x+)+y"),)
    assert refused({"s": "x" * 65_536}, parameters) == [("/parameters/s", "pattern_mismatch")]


def test_a_value_that_must_match_a_pattern_may_not_be_long() -> None:
    parameters = (Parameter("s", TEXT, pattern="x*"),)
    assert clean_values(parameters, {"s": "x" * 65_536})
    assert refused({"s": "x" * 65_537}, parameters) == [("/parameters/s", "too_long")]


def test_a_field_of_a_million_digits_is_refused_soon() -> None:
    parameters = (Parameter("n", NUMBER), Parameter("i", INTEGER))
    digits = "1" * 1_000_000
    for posted in (digits + "x", digits, "0." + digits + "e"):
        found = refused(values_from_form(parameters, {"n": posted, "i": posted}), parameters)
        assert {place for place, _ in found} == {"/parameters/n", "/parameters/i"}


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters(categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(any_json | st.dictionaries(st.sampled_from([p.name for p in TYPED]) | st.text(), any_json))
@example({"count": -0.0})
def test_any_json_gives_values_or_invalid_and_nothing_else(given: object) -> None:
    try:
        values = clean_values(TYPED, given)
    except Invalid as error:
        told = [f"{problem.pointer} {problem.detail}".encode() for problem in error.problems]
    else:
        told = []
        assert json.loads(json.dumps(values, allow_nan=False)) == values
        assert clean_values(TYPED, values) == values
    assert all(line.startswith(b"/parameters") for line in told)


def test_a_form_gives_the_types_of_json() -> None:
    fields = {
        "env": "staging",
        "count": " 3 ",
        "digits": "007",
        "free": "a\r\nb\rc",
        "ratio": ".5",
        "force": "on",
        "csrfmiddlewaretoken": "x",
    }
    values = values_from_form(TYPED, fields)
    assert values == {"env": "staging", "count": 3, "digits": "007", "free": "a\nb\rc", "ratio": 0.5, "force": True}
    assert clean_values(TYPED, values) == values


def test_an_empty_field_is_no_value_and_an_unticked_box_is_false() -> None:
    fields = {"env": "staging", "count": "", "digits": "", "free": "", "ratio": ""}
    assert values_from_form(TYPED, fields) == {"env": "staging", "force": False}
    assert values_from_form(TYPED, {"force": "false"}) == {"force": False}


def test_an_empty_field_that_is_needed_is_missed() -> None:
    assert refused(values_from_form(TYPED, {"env": ""})) == [("/parameters/env", "required")]


def test_a_text_whose_default_was_deleted_is_empty_not_the_default() -> None:
    parameters = (Parameter("note", STRING, required=False, default="by hand"),)
    assert clean_values(parameters, values_from_form(parameters, {"note": ""})) == {"note": ""}
    assert clean_values(parameters, values_from_form(parameters, {})) == {"note": "by hand"}


@pytest.mark.parametrize("posted", ["2; rm", "two", "1.5", "1,5", "0x10", "1_000", "٣", "1" * 5000, "--1", "1e3"])
def test_what_is_no_whole_number_stays_text_and_is_refused(posted: str) -> None:
    values = values_from_form(TYPED, {"env": "staging", "count": posted})
    assert values["count"] == posted
    assert refused(values) == [("/parameters/count", "wrong_type")]


@pytest.mark.parametrize(("posted", "value"), [("1", 1), ("-2.50", -2.5), ("1e3", 1000.0), ("+.5E-1", 0.05), ("7.", 7)])
def test_numbers_are_read_as_people_write_them(posted: str, value: float) -> None:
    parameters = (Parameter("n", NUMBER),)
    assert clean_values(parameters, values_from_form(parameters, {"n": posted})) == {"n": value}


@pytest.mark.parametrize("posted", ["inf", "nan", "Infinity", "1e999", "1,5", "1 000"])
def test_what_is_no_number_is_refused(posted: str) -> None:
    parameters = (Parameter("n", NUMBER),)
    assert refused(values_from_form(parameters, {"n": posted}), parameters)[0][0] == "/parameters/n"


@given(st.dictionaries(st.sampled_from([p.name for p in TYPED]), st.text() | st.text("0123456789.+-eE \n")))
def test_any_form_gives_values_or_invalid_and_nothing_else(fields: dict[str, str]) -> None:
    with contextlib.suppress(Invalid):
        clean_values(TYPED, values_from_form(TYPED, fields))
