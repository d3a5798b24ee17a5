import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbooks.domain.problems import Invalid
from runbooks.domain.syntax.json_text import read_json
from runbooks.domain.syntax.json_tree import MAX_KEY_LENGTH, MAX_NUMBER, check_text, problems_in_tree

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_NUMBER, MAX_NUMBER)
    | st.floats(-MAX_NUMBER, MAX_NUMBER)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from("ab/~é"), max_size=3), inner),
    max_leaves=20,
)


def refused(data: bytes, **limits: int) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        read_json(data, **limits)
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


@given(json_values)
def test_what_is_sound_is_read_as_it_was_written(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", [("", "malformed_json")]),
        (b"{", [("", "malformed_json")]),
        (b"[1,]", [("", "malformed_json")]),
        (b'"a\nb"', [("", "malformed_json")]),
        (b"[1] 2", [("", "malformed_json")]),
        (b"\xef\xbb\xbf[]", [("", "malformed_json")]),
        (b"\xff\xfe", [("", "not_utf8")]),
        (b'"\xed\xa0\x80"', [("", "not_utf8")]),
        ('["a"]'.encode("utf-16"), [("", "not_utf8")]),
        (b'{"parameters": {"free": "1\\u0000"}}', [("/parameters/free", "nul_character")]),
        (b'{"parameters": {"free": "\\ud800"}}', [("/parameters/free", "lone_surrogate")]),
        (b'{"parameters": {"free": "\\ude00\\ud83d"}}', [("/parameters/free", "lone_surrogate")]),
        (b'{"a": {"b\\u0000": 1}}', [("/a", "bad_key")]),
        (b'{"a": {"b\\ud800": 1}}', [("/a", "bad_key")]),
        (b'{"a": 1, "a": 1}', [("/a", "repeated_key")]),
        (b'[{"a": {"c/d": 1, "c/d": 2}}]', [("/0/a/c~1d", "repeated_key")]),
        (b"[NaN, 1, Infinity, -Infinity]", [(f"/{n}", "number_not_finite") for n in (0, 2, 3)]),
        (b'{"a": 1e999, "b": -1e999}', [("/a", "number_not_finite"), ("/b", "number_not_finite")]),
        (b"[9007199254740992, -9007199254740992]", [("/0", "number_out_of_range"), ("/1", "number_out_of_range")]),
        (b"[9007199254740992.0, 1e17]", [("/0", "number_out_of_range"), ("/1", "number_out_of_range")]),
        (b"[" + b"1" * 100_000 + b"]", [("/0", "number_out_of_range")]),
        (b"[1." + b"1" * 100_000 + b", -1" + b"0" * 5000 + b"]", [("/1", "number_out_of_range")]),
        (b'{"' + b"k" * 201 + b'": 1}', [("", "key_too_long")]),
    ],
)
def test_what_is_not_sound_is_refused_with_its_place(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert refused(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"[" * 33 + b"]" * 33,
        b'["\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ' + b"[" * 32 + b"]" * 33,
        b"[" * 32 + b'"' + b"[" * 100_000 + b'",[]' + b"]" * 32,
    ],
)
def test_deep_nesting_is_refused_before_it_is_parsed(data: bytes) -> None:
    assert refused(data) == [("", "too_deep")]


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 32 + b"]" * 32,
        b"[" + b"[]," * 100_000 + b"[]]",
        b'["' + b"[" * 100_000 + b'"]',
        b'["\\\\", "\\"' + b"{" * 100_000 + b'", "]]]]"]',
    ],
)
def test_brackets_side_by_side_or_in_text_are_not_deep(data: bytes) -> None:
    assert read_json(data) == json.loads(data)


def test_broken_quotes_are_counted_in_linear_time() -> None:
    for data in (b'"' * 1_000_001, b"\\" * 1_000_000, b'"' + b"\\" * 1_000_000, b'"\\' * 500_000):
        assert refused(data) == [("", "malformed_json")]


def test_a_body_over_the_limit_is_refused_unread() -> None:
    assert refused(b"\xff" * 11, max_bytes=10) == [("", "too_large")]
    assert read_json(b'"12345678"', max_bytes=10) == "12345678"


def test_several_problems_are_told_at_once_but_at_most_fifty() -> None:
    assert refused(b'{"a": "\\u0000", "b": [NaN], "c": "\\ud800"}') == [
        ("/a", "nul_character"),
        ("/b/0", "number_not_finite"),
        ("/c", "lone_surrogate"),
    ]
    assert len(refused(b"[" + b"NaN," * 100_000 + b"NaN]")) == 50


def test_long_keys_do_not_blow_up_the_answer() -> None:
    data = b'{"' + b"k" * 100_000 + b'": {' + b", ".join(b'"%d": NaN' % n for n in range(100)) + b"}}"
    with pytest.raises(Invalid) as caught:
        read_json(data)
    assert len(str(caught.value)) < 1000


def test_keys_of_the_greatest_length_and_emoji_pass() -> None:
    data = b'{"' + b"k" * MAX_KEY_LENGTH + b'": "\\ud83d\\ude00"}'
    assert read_json(data) == {"k" * MAX_KEY_LENGTH: "😀"}


def test_a_tree_from_elsewhere_is_checked_too() -> None:
    tree = {"a": [b"bytes", float("nan"), {1: 2}], "b": (1,)}
    assert [(problem.pointer, problem.code) for problem in problems_in_tree(tree)] == [
        ("/a/0", "not_json"),
        ("/a/1", "number_not_finite"),
        ("/a/2", "key_not_text"),
        ("/b", "not_json"),
    ]


def test_a_tree_may_be_as_deep_as_the_limit_and_no_deeper() -> None:
    assert problems_in_tree([[{"a": 1}], []], max_depth=3) == ()
    assert [(problem.pointer, problem.code) for problem in problems_in_tree([[{"a": 1}], []], max_depth=2)] == [
        ("/0/0", "too_deep")
    ]


def test_a_tree_that_contains_itself_is_only_too_deep() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert [problem.code for problem in problems_in_tree(endless)] == ["too_deep"]


def test_text_tells_which_character_is_wrong() -> None:
    assert check_text("fine ☃ 😀\r\n\t\x1b") == []
    assert "character 3" in check_text("ab\0", pointer="/x")[0].detail
