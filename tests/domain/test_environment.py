import pytest

from runbooks.domain.environment import LARGEST_VARIABLE_BYTES, parameter_variables, render


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it $(is)\n", "as it $(is)\n"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-1.5, "-1.5"),
        (["two words", "é"], "two words\né"),
        ([], ""),
        (["é", 1, None], '["é", 1, null]'),
        (None, None),
    ],
)
def test_strings_stay_as_they_are_lists_of_them_are_lines_and_all_else_is_json(value: object, text: str | None) -> None:
    assert render(value) == text


def test_names_are_in_upper_case_and_unset_values_are_left_out() -> None:
    assert parameter_variables({"host_name": "web1", "note": None}) == {"OPSAAS_PARAM_HOST_NAME": "web1"}


def test_a_value_is_measured_in_bytes() -> None:
    largest = "é" * (LARGEST_VARIABLE_BYTES // 2)
    assert parameter_variables({"fits": largest, "large": largest + "x"}) == {"OPSAAS_PARAM_FITS": largest}
