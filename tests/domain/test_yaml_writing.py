from hypothesis import example, given
from hypothesis import strategies as st

from runbooks.domain.syntax.yaml_text import read_yaml
from runbooks.domain.syntax.yaml_writing import write_yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
LINES = st.lists(st.text("ab #:-|'\"\t ", max_size=8), max_size=6).map("\n".join)
VALUES = st.one_of(TEXTS, LINES, st.integers(-(2**53) + 1, 2**53 - 1), st.booleans(), st.none())
TREES = st.dictionaries(st.sampled_from(["doc", "title", "zeta", "script"]), VALUES | st.lists(VALUES, max_size=4))


@given(TREES)
@example({"doc": "on", "title": "010", "zeta": "2026-11-21", "script": "a\r\nb"})
@example({"doc": " first\n", "title": "~", "zeta": "last \n\n", "script": "#!/bin/sh\n\n\techo\n"})
@example({"doc": "\x85\u2028", "title": "yes", "zeta": ["no", "1e3", "0o7", "a: b", "# c", "null"]})
def test_what_was_written_reads_back_as_it_was(tree: dict[str, object]) -> None:
    assert read_yaml(write_yaml({"top": tree}).encode()) == {"top": tree}


def test_a_script_stands_as_a_block_and_a_short_list_on_one_line() -> None:
    step = {"script": "set -e\necho 'x'\n", "id": "main", "interpreter": ["bash", "-eu"]}
    assert write_yaml({"steps": [step]}) == (
        "steps:\n- id: main\n  interpreter: [bash, -eu]\n  script: |\n    set -e\n    echo 'x'\n"
    )


def test_fields_come_in_the_order_in_which_people_read() -> None:
    metadata = {"alerts": [], "tags": ["a"], "title": "T", "project": "p", "slug": "s", "other": 1}
    lines = write_yaml({"spec": {"steps": []}, "metadata": metadata, "kind": "Runbook"}).splitlines()
    assert [line.split(":")[0].strip() for line in lines] == [
        *("kind", "metadata", "project", "slug", "title", "tags", "alerts", "other", "spec", "steps"),
    ]


def test_a_long_line_is_not_folded() -> None:
    assert write_yaml({"title": "word " * 100 + "end"}).count("\n") == 1
