import contextlib
import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbooks.domain.problems import Invalid
from runbooks.domain.syntax.json_text import read_json
from runbooks.domain.syntax.yaml_text import read_yaml


def refused(data: bytes | str, **limits: int) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        read_yaml(data.encode() if isinstance(data, str) else data, **limits)
    assert all("(line " in problem.detail for problem in caught.value.problems)
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((word, word) for word in ("on", "off", "yes", "no", "y", "2026-01-31", "2026-01-31T10:00:00Z", "12:30:45")),
        *((word, word) for word in ("0b1", "1_000", "0o8", "0xg", "1e", "+", ".", "=", "<<", "nUll", "tRue", "-0x1")),
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *(("010", 10), ("+1", 1), ("-1", -1), ("0o17", 15), ("0xff", 255), ("0", 0), ("-0", 0), ("00012", 12)),
        *(("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-1", -0.15), ("0.0", 0.0)),
        *(("'1'", "1"), ('"true"', "true"), ('"null"', "null"), ("'on'", "on"), ('""', "")),
    ],
)
def test_words_are_read_by_the_core_schema_of_yaml_1_2(word: str, value: object) -> None:
    found = read_yaml(f"key: {word}\n".encode())
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


def test_blocks_keep_their_text() -> None:
    text = b'script: |\n  #!/bin/sh\n  echo "$1"  # not a comment\n\n  on: [x\nfolded: >-\n  a\n  b\n'
    assert read_yaml(text) == {"script": '#!/bin/sh\necho "$1"  # not a comment\n\non: [x\n', "folded": "a b"}


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.text(st.sampled_from('aé😀"\\\n\t :#-&*!{')),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(string.ascii_letters), inner, max_size=4),
        max_leaves=12,
    )
)
def test_json_is_yaml(value: object) -> None:
    text = json.dumps(value).encode()
    assert read_yaml(text) == read_json(text)


@given(st.text(st.sampled_from("ab1 \n\t:-?,[]{}#&*!|>'\"%@`\\xuU~.<=0\ud7ff\ufeff\x85\u2028")))
@settings(max_examples=500)
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    with contextlib.suppress(Invalid):
        read_yaml(text.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("", "malformed_yaml")]),
        ("# only a comment\n", [("", "malformed_yaml")]),
        ("{", [("", "malformed_yaml")]),
        ("a: b: c", [("", "malformed_yaml")]),
        ("a:\n\t- b", [("", "malformed_yaml")]),
        ("a: 'x", [("", "malformed_yaml")]),
        ("a: \0", [("", "malformed_yaml")]),
        ("a: \x1b", [("", "malformed_yaml")]),
        ("a: |\n  x\x85y", [("", "malformed_yaml")]),
        ("a: x\u2028y", [("", "malformed_yaml")]),
        (r'"\U00110000"', [("", "malformed_yaml")]),
        (r'"\UFFFFFFFF"', [("", "malformed_yaml")]),
        ("a: 1\n---\nb: 2", [("", "many_documents")]),
        ("%YAML 1.1\n---\na: on", [("", "yaml_version")]),
        ("%TAG ! tag:example.org,2026:\n---\na: 1", [("", "yaml_tag")]),
        ("doc: !!python/object/apply:os.getcwd []", [("/doc", "yaml_tag")]),
        (
            "a: !!str 1\nb: ! x\nc: !d {e: !f g}",
            [("/a", "yaml_tag"), ("/b", "yaml_tag"), ("/c", "yaml_tag"), ("/c/e", "yaml_tag")],
        ),
        ("!a b: c", [("", "yaml_tag")]),
        ("!" * 500_000, [("", "malformed_yaml")]),
        ("!<" + "a" * 500_000 + ">", [("", "malformed_yaml")]),
        ("%TAG !" + "a" * 500_000, [("", "malformed_yaml")]),
        ("%TAG ! " + "a" * 500_000, [("", "malformed_yaml")]),
        ("a: 1\na: 2\nb: {c: 1, c: 2}", [("/a", "repeated_key"), ("/b/c", "repeated_key")]),
        ("1: a\ntrue: b\n~: c", [("", "key_not_text")] * 3),
        ("? [a]\n: b", [("", "key_not_text")]),
        ("a: {? {b: c} : d}", [("/a", "key_not_text")]),
        ("k" * 201 + ": .inf", [("", "key_too_long"), ("/" + "k" * 200, "number_not_finite")]),
        ('a: ["\\0", "\\ud800"]', [("/a/0", "nul_character"), ("/a/1", "lone_surrogate")]),
        ('"\\ud800": 1', [("", "bad_key")]),
        ("[.inf, -.INF, .nan, 1e999]", [(f"/{n}", "number_not_finite") for n in range(4)]),
        ("[9007199254740992, 0xffffffffffffffff, 1e17]", [(f"/{n}", "number_out_of_range") for n in range(3)]),
        ("a: " + "1" * 100_000, [("/a", "number_out_of_range")]),
        ("- " * 33, [("/0" * 32, "too_deep")]),
        ("[" * 100_000, [("/0" * 32, "too_deep")]),
        ('{"a":' * 50_000, [("/a" * 32, "too_deep")]),
        ("*a", [("", "unknown_alias")]),
        ("a: *b\nb: &b 1", [("/a", "unknown_alias")]),
        ("tags: &a [*a]", [("/tags/0", "endless_alias")]),
        ("a: &a {b: {c: *a}}", [("/a/b/c", "endless_alias")]),
        ("[" + "1, " * 20_000 + "]", [("/19999", "too_large")]),
    ],
)
def test_what_is_not_sound_is_refused_with_its_place(text: str, expected: list[tuple[str, str]]) -> None:
    assert refused(text) == expected


def test_bytes_that_are_no_text_or_too_many_are_refused() -> None:
    for data, code in ((b"a: \xff", "not_utf8"), (b"a: " + b"b" * 1024 * 1024, "too_large")):
        with pytest.raises(Invalid) as caught:
            read_yaml(data)
        assert [problem.code for problem in caught.value.problems] == [code]


def test_the_place_is_told_by_line_and_column() -> None:
    with pytest.raises(Invalid) as caught:
        read_yaml(b"a: 1\nb:\n  - 2\n  - !x 3\n")
    assert caught.value.problems[0].detail.endswith("(line 4, column 5).")
    with pytest.raises(Invalid) as caught:
        read_yaml("a: ö\nb:\n  c: x\u2028y\n".encode())
    assert caught.value.problems[0].detail.endswith("(line 3, column 7).")
    with pytest.raises(Invalid) as caught:
        read_yaml(b"a: 1\nb: c: d\n")
    assert caught.value.problems[0].detail.endswith("(line 2, column 5).")


def test_a_document_may_say_that_it_is_yaml_1_2() -> None:
    assert read_yaml(b"%YAML 1.2\n---\non: 1\n...\n") == {"on": 1}


def test_depth_and_size_may_reach_their_limits() -> None:
    assert read_yaml(b"[[a: 1], []]", max_depth=3) == [[{"a": 1}], []]
    assert refused("[[a: 1], []]", max_depth=2) == [("/0/0", "too_deep")]
    assert read_yaml(b"[1, 2, 3]", max_nodes=4) == [1, 2, 3]
    assert refused("[1, 2, 3]", max_nodes=3) == [("/2", "too_large")]
    assert read_yaml(b"[&a [1], *a]", max_nodes=5) == [[1], [1]]
    assert refused("[&a [1], *a]", max_nodes=4) == [("/1", "too_large")]


def test_aliases_stand_for_copies() -> None:
    tree = read_yaml(b"a: &x {b: [1]}\nc: *x\nd: &x 2\n&k e: *x\nf: *k")
    assert tree == {"a": {"b": [1]}, "c": {"b": [1]}, "d": 2, "e": 2, "f": "e"}
    assert isinstance(tree, dict)
    assert tree["a"]["b"] is not tree["c"]["b"]


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = [f"&b{i} [{', '.join([f'*b{i - 1}' if i else 'x'] * 10)}]" for i in range(8)]
    assert [code for _, code in refused(f"tags: [{', '.join(bomb)}]")] == ["too_large"]


def test_a_bomb_of_long_texts_is_refused_too() -> None:
    text = "a: &a " + "x" * 100_000 + "\nb: [" + "*a, " * 1000 + "]"
    assert [code for _, code in refused(text)] == ["too_large"]


def test_aliases_cannot_dig_deeper_than_the_limit() -> None:
    chain = "- &a0 [[[[[[[[[[1]]]]]]]]]]\n" + "".join(f"- &a{n} [[[[[*a{n - 1}]]]]]\n" for n in range(1, 10))
    assert [code for _, code in refused(chain)] == ["too_deep"]


def test_at_most_fifty_problems_are_told() -> None:
    assert len(refused("- !x y\n" * 1000)) == 50
