"""YAML 1.2, core schema, in both directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbooks.cli.failures import Failure
from runbooks.cli.yaml_core import read_yaml
from runbooks.cli.yaml_write import write_yaml


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("on: yes", {"on": "yes"}),
        ("a: 010", {"a": 10}),
        ("a: 0o10", {"a": 8}),
        ("a: 0xff", {"a": 255}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 12:30:45", {"a": "12:30:45"}),
        ("a: 2026-11-21", {"a": "2026-11-21"}),
        ("a: '5'", {"a": "5"}),
        ("a: 1.5e3", {"a": 1500.0}),
        ("a: ~\nb:\nc: null", {"a": None, "b": None, "c": None}),
        ("a: {<<: {b: 1}}", {"a": {"<<": {"b": 1}}}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("- &x [1]\n- *x", [[1], [1]]),
        ("--- ~", None),
    ],
)
def test_values_are_what_the_core_schema_says(text: str, wanted: object) -> None:
    assert read_yaml(text, name="f") == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "f:2: the field 'a' is given more than once"),
        ("a: !!python/object/apply:os.getcwd []", "f:1: YAML tags are not accepted"),
        ("a: !!str 5", "tags are not accepted"),
        ("5: a", "names of fields must be text"),
        ("a: .inf", "infinity"),
        ("a: 1e999", "infinity"),
        ("a: &a [*a]", "stands for nothing"),
        ("a: *b", "stands for nothing"),
        ("# a comment", "holds nothing"),
        ("a: {", "not YAML"),
        ("a: 1\n---\nb: 2", "second one"),
        ("[" * 200 + "]" * 200, "levels"),
        (
            "- &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"- &{c} [{','.join([f'*{p}'] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
            "every alias written out",
        ),
    ],
)
def test_what_would_change_its_meaning_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(Failure, match=said):
        read_yaml(text, name="f")


ODD = ["yes", "on", "010", "1_000", "2026-11-21", "0x1f", "null", "~", "1e5", "=", "<<", "#!/bin/sh\nexit\n", " a\n b"]
TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
    | st.text("\n\t #:-'\"%|>\\ a1", max_size=20)
    | st.sampled_from(ODD)
)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.text("abc-:?# ", min_size=1, max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_is_written_reads_back_the_same(value: object) -> None:
    assert read_yaml(write_yaml({"spec": value}), name="f") == {"spec": value}


def test_scripts_are_written_as_blocks_that_people_can_edit() -> None:
    script = "#!/bin/sh\nset -eu\necho 'a: b' # c\n"
    block = "        #!/bin/sh\n        set -eu\n        echo 'a: b' # c\n"
    text = write_yaml({"spec": {"steps": [{"id": "main", "script": script}]}})
    assert text == f"spec:\n  steps:\n    - id: main\n      script: |\n{block}"
