"""Limits of grants, as a pure question: what is asked for in, sentences out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runbooks.domain.coverage import Asked, never_fits, reasons, refusals
from runbooks.domain.coverage import Judged as JudgedGrant
from runbooks.domain.limits import in_words, limits_of
from runbooks.domain.limits_problems import limits_problems
from runbooks.domain.machines.selectors import NodeFacts
from runbooks.domain.narrowness import wider_than
from runbooks.domain.weekly import weekly_of

NOW = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)  # a Saturday
OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00", "zone": "Europe/Berlin"}
QA: dict[str, Any] = {
    "values": {"env": {"in": ["staging", "qa"]}, "host": {"pattern": "web[0-9]+"}},
    "when": 'params.env != "production"',
    "nodes": "env=staging",
    "max_nodes": 5,
    "hours": OFFICE,
    "per_hour": 3,
    "per_day": 10,
    "triggers": ["ui", "cli"],
}


def said(limits: dict[str, Any], *, used: tuple[datetime, ...] = (), now: datetime = NOW, **more: Any) -> list[str]:
    asked = Asked(now=now, trigger=more.pop("trigger", "ui"), **more)
    return [one.sentence for one in refusals(limits_of(limits), asked, used=used)]


def test_no_limits_refuse_nothing_and_say_nothing() -> None:
    assert said({}, values={"a": 1}, nodes=[]) == []
    assert in_words(limits_of({})) == ""


def test_limits_read_as_one_sentence() -> None:
    assert in_words(limits_of(QA)) == (
        'env only staging or qa; host only like web[0-9]+; only where params.env != "production"; '
        "only nodes env=staging; "
        "at most 5 nodes; only Mon to Fri 09:00 to 17:00 Europe/Berlin; at most 3 an hour; at most 10 a day; "
        "only by ui, cli"
    )


@pytest.mark.parametrize(
    ("limit", "value", "covered"),
    [
        ({"in": ["staging", "qa"]}, "qa", True),
        ({"in": ["staging", "qa"]}, "production", False),
        ({"in": [1, True]}, True, True),
        ({"in": [1]}, True, False),
        ({"in": [True]}, 1, False),
        ({"in": [2]}, 2.0, True),
        ({"in": ["a", "b"]}, ["a", "b"], True),
        ({"in": ["a", "b"]}, ["a", "c"], False),
        ({"in": ["a"]}, [], False),
        ({"pattern": "web[0-9]+"}, "web1", True),
        ({"pattern": "web[0-9]+"}, "web1; rm", False),
        ({"pattern": "web[0-9]+"}, "xweb1", False),
        ({"pattern": "[0-9]"}, 5, True),
        ({"pattern": "[0-9]"}, 55, False),
    ],
)
def test_a_value_is_covered_or_not(limit: dict[str, Any], value: Any, covered: bool) -> None:
    assert (said({"values": {"p": limit}}, values={"p": value}) == []) is covered


def test_a_value_that_is_limited_has_to_be_given() -> None:
    assert said({"values": {"env": {"in": ["qa"]}}}, values={}) == ["env has to be given"]
    assert said({"values": {"env": {"in": ["qa"]}}}, values={"env": "prod"}) == ['env may be qa, not "prod"']
    assert said({"values": {"env": {"in": ["qa"]}}}) == []  # nobody has said values yet


def test_a_condition_that_can_not_be_told_covers_nothing() -> None:
    assert said({"when": 'params.env != "production"'}, values={"env": "qa"}) == []
    assert said({"when": 'params.env != "production"'}, values={"env": "production"}) != []
    assert "can't be told" in said({"when": 'params.env != "production"'}, values={})[0]


def test_nodes_are_limited_by_kind_and_by_number() -> None:
    nodes = [
        NodeFacts(name=f"web{n}", attributes={"env": "staging" if n else "production"}, id=str(n)) for n in range(3)
    ]
    assert said({"nodes": "env=staging"}, nodes=nodes) == ["it does not cover web0, only nodes env=staging"]
    assert said({"max_nodes": 3}, nodes=nodes) == []
    assert said({"max_nodes": 2}, nodes=nodes) == ["at most 2 of the nodes at a time, and these are 3"]


def test_counts_say_how_many_there_were_and_when_the_next_may_be() -> None:
    used = tuple(NOW - timedelta(minutes=minutes) for minutes in (5, 20, 40))
    assert said({"per_hour": 3}, used=used) == ["3 of 3 this hour; the next at 13:50 UTC"]
    assert said({"per_hour": 4}, used=used) == []
    assert said({"per_hour": 3}, used=used, now=NOW + timedelta(minutes=20)) == []
    assert said({"per_day": 2}, used=used) == ["3 of 2 this day; the next at 2026-11-22 13:10 UTC"]
    assert said({"per_day": 3}, used=used) == ["3 of 3 this day; the next at 2026-11-22 12:50 UTC"]


def test_hours_are_those_of_their_zone_and_say_when_the_next_are() -> None:
    (sentence,) = said({"hours": OFFICE})
    assert sentence == (
        "only Mon to Fri 09:00 to 17:00 Europe/Berlin, and it is Sat 2026-11-21 14:30 there; "
        "the next time is Mon 2026-11-23 09:00"
    )
    assert said({"hours": OFFICE}, now=datetime(2026, 11, 23, 8, 0, tzinfo=UTC)) == []  # nine in Berlin
    assert said({"hours": OFFICE}, now=datetime(2026, 11, 23, 7, 59, tzinfo=UTC)) != []
    assert said({"hours": OFFICE}, now=datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) != []
    assert said({"hours": OFFICE}, now=datetime(2026, 7, 20, 7, 0, tzinfo=UTC)) == []  # summer time


def test_hours_over_midnight_belong_to_the_day_that_they_begin_on() -> None:
    night = weekly_of({"days": ["fri"], "from": "22:00", "to": "06:00"})
    held = [
        night.holds(datetime(2026, 11, day, hour, tzinfo=UTC)) for day, hour in [(20, 23), (21, 5), (21, 6), (20, 5)]
    ]
    assert held == [True, True, False, False]
    assert night.end_of(datetime(2026, 11, 20, 23, tzinfo=UTC)) == datetime(2026, 11, 21, 6, tzinfo=UTC)


def test_days_that_touch_are_one_time() -> None:
    weekend = weekly_of({"days": ["sat", "sun"]})
    assert weekend.end_of(NOW) == datetime(2026, 11, 23, tzinfo=UTC)
    assert weekend.words() == "Sat, Sun UTC"


def test_triggers_are_limited() -> None:
    assert said({"triggers": ["ui", "cli"]}, trigger="api") == ["only by ui, cli, and this comes by api"]
    assert said({"triggers": ["ui", "cli"]}, trigger="cli") == []


def test_only_what_passes_by_itself_can_be_passed() -> None:
    asked = Asked(now=NOW, trigger="api", values={"env": "x", "host": "y"}, nodes=[])
    used = [NOW] * 10
    found = [(one.sentence.split(";")[0], one.passes) for one in refusals(limits_of(QA), asked, used=used)]
    assert [passes for _, passes in found] == [False, False, False, True, True, True]
    assert found[-2:] == [("10 of 3 this hour", True), ("10 of 10 this day", True)]


def test_each_grant_is_named_where_there_are_several() -> None:
    grants = [
        JudgedGrant(f"grant {n}", refusals(limits_of({"hours": OFFICE}), Asked(now=NOW, trigger="ui"))) for n in (1, 2)
    ]
    assert reasons(grants[:1])[0].startswith("Your right to run this is limited: only Mon")
    assert [one.startswith(f"Your right to run this by grant {n} is") for n, one in enumerate(reasons(grants), 1)] == [
        True
    ] * 2


def test_choices_that_can_never_be_run_are_known_beforehand() -> None:
    limits = limits_of({"when": 'params.env != "production" && params.host == "web1"'})
    assert never_fits(limits, "env", "production")
    assert not never_fits(limits, "env", "staging")
    assert never_fits(limits_of({"values": {"env": {"in": ["qa"]}}}), "env", "staging")


@pytest.mark.parametrize(
    ("given", "wider"),
    [
        (QA, 0),
        ({**QA, "per_hour": 2, "max_nodes": 1, "triggers": ["ui"]}, 0),
        ({**QA, "per_hour": 4}, 1),
        ({**QA, "triggers": ["ui", "api"]}, 1),
        ({**QA, "hours": {**OFFICE, "from": "08:00"}}, 1),
        ({**QA, "hours": {**OFFICE, "from": "10:00", "days": ["mon"]}}, 0),
        ({**QA, "hours": {**OFFICE, "zone": "UTC"}}, 1),
        ({**QA, "hours": {**OFFICE, "from": "17:00", "to": "09:00"}}, 1),
        ({**QA, "nodes": "env=staging web"}, 0),
        ({**QA, "nodes": "web"}, 1),
        ({**QA, "nodes": "*"}, 1),
        ({**QA, "when": '(params.env != "production") && params.host == "web1"'}, 0),
        ({**QA, "when": '(params.env != "production") && params.host == "web1" || true'}, 1),
        ({**QA, "when": '(params.env != "production") && true ? true : true'}, 1),
        ({**QA, "when": "true"}, 1),
        ({**QA, "values": {"env": {"in": ["qa"]}, "host": {"in": ["web1"]}}}, 0),
        ({**QA, "values": {"env": {"in": ["qa", "production"]}, "host": {"in": ["db1"]}}}, 2),
        ({**QA, "values": {"env": {"pattern": ".*"}, "host": {"pattern": ".*"}}}, 2),
        ({}, 9),
    ],
)
def test_nobody_hands_on_more_than_they_hold(given: dict[str, Any], wider: int) -> None:
    assert len(wider_than(limits_of(given), limits_of(QA))) == wider


def test_two_conditions_in_cel_are_no_queries_of_which_more_words_mean_less() -> None:
    own = limits_of({"nodes": '"web" in tags || name == "a"'})
    assert wider_than(limits_of({"nodes": '"web" in tags || name == "a" || true'}), own)


@pytest.mark.parametrize(
    "limits",
    [
        {"unknown": 1},
        {"values": {}},
        {"values": {"env": {"in": []}}},
        {"values": {"env": {"in": [None]}}},
        {"values": {"env": {"in": ["a"], "pattern": "a"}}},
        {"values": {"env": {"pattern": "("}}},
        {"when": "params.env =="},
        {"when": '"text"'},
        {"nodes": "name ="},
        {"max_nodes": 0},
        {"per_hour": True},
        {"per_day": "3"},
        {"hours": {"days": []}},
        {"hours": {"days": ["someday"]}},
        {"hours": {"from": "25:00"}},
        {"hours": {"from": "24:00"}},
        {"hours": {"zone": "../../etc/passwd"}},
        {"hours": {"zone": "Mars/Base"}},
        {"hours": []},
        {"triggers": []},
        {"triggers": ["telepathy"]},
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(limits: dict[str, Any]) -> None:
    problems = list(limits_problems(limits, rights=["run"]))
    assert len(problems) == 1
    assert problems[0].pointer.startswith("/limits/")


def test_what_makes_sense_is_taken_and_only_for_rights_that_it_can_limit() -> None:
    assert list(limits_problems(QA, rights=["run"])) == []
    assert len(list(limits_problems(QA, rights=["view"]))) == len(QA)
    assert [one.pointer for one in limits_problems({"nodes": "web", "per_hour": 1}, rights=["use"])] == [
        "/limits/per_hour"
    ]
