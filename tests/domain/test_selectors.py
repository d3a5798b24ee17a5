import pytest

from runbooks.domain.machines.selectors import NodeFacts, nothing_matches, selected, selector_problem
from runbooks.domain.problems import Invalid

WEB = NodeFacts("web1", ("web", "role=front"), {"env": "production", "dc": "ber"})
DB = NodeFacts("db1", ("db", "drained"), {"env": "staging", "role": "db"})
BARE = NodeFacts("bare")


def names(text: str, **params: object) -> list[str]:
    return [node.name for node in selected(text, nodes=[WEB, DB, BARE], params=params).nodes]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("web", ["web1"]),
        ("web1", ["web1"]),
        ("role=front", ["web1"]),
        ("role=db", ["db1"]),
        ("env=production web", ["web1"]),
        ("env=production, db", []),
        ("!drained", ["web1", "bare"]),
        ("env!=production", ["db1", "bare"]),
        ("*", ["web1", "db1", "bare"]),
        ("true", ["web1", "db1", "bare"]),
        ('"web" in tags', ["web1"]),
        ('attributes.env == "staging"', ["db1"]),
        ('name.startsWith("web") || name == "bare"', ["web1", "bare"]),
        ("name == params.host", ["db1"]),
        ("name in params.hosts", ["db1", "bare"]),
    ],
)
def test_a_query_of_tags_or_a_condition_means_these(text: str, wanted: list[str]) -> None:
    assert selector_problem(text) is None
    assert names(text, host="db1", hosts=["db1", "bare"]) == wanted


def test_a_machine_without_the_attribute_is_not_meant_and_the_refusal_says_why() -> None:
    found = selected('attributes.env != "production" && attributes.rack == "7"', nodes=[WEB, DB])
    assert found.nodes == []
    assert "rack" in nothing_matches("x", found)


@pytest.mark.parametrize("text", ["", "a b == c", "name +", '"text"', "web | db", "x" * 2000, "size(tags)"])
def test_what_is_neither_is_refused(text: str) -> None:
    assert selector_problem(text)


def test_who_asks_of_too_many_machines_is_stopped_in_between() -> None:
    looks = iter([True, True, False])
    with pytest.raises(Invalid, match="takes too long"):
        selected("web", nodes=[WEB, DB, BARE], go_on=lambda: next(looks))
