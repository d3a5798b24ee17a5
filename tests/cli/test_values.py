"""`-p name=value`, typed by what the runbook asks for."""

from pathlib import Path

import pytest

from runbooks.cli.failures import Failure
from runbooks.cli.values import typed_values

PARAMETERS = [
    {"name": kind, "type": kind}
    for kind in ("string", "text", "integer", "number", "boolean", "choice", "choices", "datetime", "secret")
]


def values(*given: str, as_json: tuple[str, ...] = ()) -> dict[str, object]:
    return typed_values(given=given, as_json=as_json, parameters=PARAMETERS)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("integer=42", 42),
        ("integer=-7", -7),
        ("integer=2; rm", "2; rm"),
        ("integer=1.5", "1.5"),
        ("integer=", ""),
        ("integer=\N{ARABIC-INDIC DIGIT ONE}", "\N{ARABIC-INDIC DIGIT ONE}"),
        ("number=1.5e3", 1500.0),
        ("number=3", 3),
        ("number=1e999", "1e999"),
        ("number=nan", "nan"),
        ("boolean=Yes", True),
        ("boolean=0", False),
        ("boolean=perhaps", "perhaps"),
        ("string=5", "5"),
        ("string=@file", "@file"),
        ("string=a=b", "a=b"),
        ("text=@@handle", "@handle"),
        ("choice=true", "true"),
        ("choices=one", ["one"]),
        ("unknown=5", "5"),
    ],
)
def test_a_value_becomes_the_kind_it_should_be_or_stays_as_typed(given: str, wanted: object) -> None:
    name = given.partition("=")[0]
    value = values(given)[name]
    assert value == wanted
    assert type(value) is type(wanted)


def test_several_choices_add_up() -> None:
    assert values("choices=a", "choices=b") == {"choices": ["a", "b"]}


def test_a_text_comes_out_of_a_file_byte_by_byte(tmp_path: Path) -> None:
    file = tmp_path / "note"
    file.write_bytes(b"one\r\ntwo\n\xe2\x98\x83")
    assert values(f"text=@{file}") == {"text": "one\r\ntwo\n☃"}


def test_json_gives_any_value() -> None:
    assert values(as_json=("choices=[1, 2]", '{"a": null, "b": {"c": 1}}')) == {
        "choices": [1, 2],
        "a": None,
        "b": {"c": 1},
    }


@pytest.mark.parametrize(
    "wrong", [("novalue",), ("=x",), ("string=a", "string=b"), ("text=@/no/such/file",), ("text=@/dev",)]
)
def test_what_cannot_be_meant_is_a_usage_error(wrong: tuple[str, ...]) -> None:
    with pytest.raises(Failure) as caught:
        values(*wrong)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("wrong", ["a=NaN", "a=[1", "a=1, 2", '{"a": 1', "a", '{"a": 1}, {}'])
def test_broken_json_is_a_usage_error(wrong: str) -> None:
    with pytest.raises(Failure) as caught:
        values(as_json=(wrong,))
    assert caught.value.exit_code == 2


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "binary"
    file.write_bytes(b"\xff")
    with pytest.raises(Failure, match="not UTF-8"):
        values(f"text=@{file}")
