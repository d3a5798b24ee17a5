"""Which runs a rule asks about, and whose yes counts. Pure facts, no database."""

from datetime import UTC, datetime
from typing import Any

import pytest

from runbooks.domain.approval_rules import Asked, Stage, StartFacts, asked_by
from runbooks.domain.approvals import Given, Mandate, Someone, mandate_of, standing
from runbooks.domain.definition import parse_definition
from runbooks.domain.problems import Invalid
from tests.world import definition

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
ENV = {"name": "env", "type": "choice", "choices": ["staging", "production"], "default": "staging"}


def rule(**approvals: Any) -> Any:
    return parse_definition(definition(parameters=[ENV], policy={"approvals": approvals})).policy.approvals


def asked(when: str | None, **facts: Any) -> Asked | None:
    known = {"values": {"env": "production"}, "targets": (), "actor": {"name": "rosa", "kind": "person", "groups": []}}
    about = StartFacts(**{**known, "trigger": "ui", "now": NOW, **facts})
    return asked_by(rule(**({"when": when} if when else {})), about)


@pytest.mark.parametrize(
    ("when", "facts", "answer"),
    [
        (None, {}, True),
        ('params.env == "production"', {}, True),
        ('params.env == "production"', {"values": {"env": "staging"}}, False),
        ("size(targets) > 1", {"targets": ("a", "b")}, True),
        ("size(targets) > 1", {"targets": ("a",)}, False),
        ('"web1" in targets', {"targets": ("web1",)}, True),
        ('trigger == "agent"', {"trigger": "agent"}, True),
        ('trigger == "agent"', {}, False),
        ('!("oncall" in actor.groups)', {}, True),
        (
            '!("oncall" in actor.groups)',
            {"actor": {"name": "rosa", "kind": "person", "groups": ["oncall"]}},
            False,
        ),
        ('actor.kind == "service"', {}, False),
        ("now.getHours() > 20", {}, True),
        ("now.getHours() < 20", {}, False),
    ],
)
def test_a_rule_asks_where_its_condition_holds(when: str | None, facts: dict[str, Any], answer: bool) -> None:
    assert (asked(when, **facts) is not None) is answer


def test_a_condition_that_can_not_be_told_asks_and_says_so() -> None:
    found = asked('params.env == "production"', values={})
    assert found
    assert "can't be told" in found.because


def test_who_is_asked_reads_which_rule_asks() -> None:
    found = asked('params.env == "production"')
    assert found
    assert found.because == 'This runbook asks for approval where params.env == "production".'


@pytest.mark.parametrize(
    ("policy", "pointer", "code"),
    [
        ({"approvals": {"when": "params.none == 1"}}, "/spec/policy/approvals/when", "unknown_parameter"),
        ({"approvals": {"when": "params.env"}}, "", ""),
        ({"approvals": {"when": '"text"'}}, "/spec/policy/approvals/when", "bad_condition"),
        ({"approvals": {"when": "steps.main.exit_code == 0"}}, "/spec/policy/approvals/when", "bad_condition"),
        ({"approvals": {"from": ["payments-sre"]}}, "/spec/policy/approvals/from/0", "bad_format"),
        ({"approvals": {"from": []}}, "/spec/policy/approvals/from", "too_short"),
        ({"approvals": {"count": 0}}, "/spec/policy/approvals/count", "out_of_range"),
        ({"approvals": {"from": ["user:a"], "count": 2}}, "/spec/policy/approvals/count", "out_of_range"),
        ({"approvals": {"expires": "721h"}}, "/spec/policy/approvals/expires", "out_of_range"),
        ({"approvals": {"count": 2, "stages": [{}]}}, "/spec/policy/approvals/count", "not_applicable"),
        (
            {"approvals": {"stages": [{"from": ["user:a"], "count": 3}]}},
            "/spec/policy/approvals/stages/0/count",
            "out_of_range",
        ),
        ({"ticket": "("}, "/spec/policy/ticket", "bad_pattern"),
        ({"reason": "perhaps"}, "/spec/policy/reason", "not_a_choice"),
        ({"approvals": {}}, "", ""),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_at_its_field(policy: Any, pointer: str, code: str) -> None:
    data = definition(parameters=[ENV], policy=policy)
    if not code:
        assert parse_definition(data).policy.approvals
        return
    with pytest.raises(Invalid) as caught:
        parse_definition(data)
    assert (pointer, code) in [(problem.pointer, problem.code) for problem in caught.value.problems]


def person(name: str, *groups: str, rights: str = "view", enabled: bool = True, of: str = "") -> Someone:
    names = {f"user:{name}", *(f"group:{group}" for group in groups)}
    return Someone(
        person=of or name, name=name, enabled=enabled, principals=frozenset(names), rights=frozenset(rights.split())
    )


def alone(someone: Someone) -> Mandate:
    return Mandate(by=someone, of=someone)


SRE = Stage(approvers=("group:sre",))
HOLDERS = Stage()


@pytest.mark.parametrize(
    ("stage", "mandate", "reason"),
    [
        (SRE, alone(person("ada", "sre")), ""),
        (SRE, alone(person("ada")), "none of those who may approve"),
        (SRE, alone(person("ada", rights="view approve")), "none of those who may approve"),
        (SRE, alone(person("ada", "sre", enabled=False)), "disabled"),
        (SRE, alone(person("ada", "sre", rights="")), "does not see"),
        (SRE, alone(person("rosa", "sre")), "never approves"),
        (SRE, alone(person("robot", "sre", of="rosa")), "never approves"),
        (HOLDERS, alone(person("ada", rights="view approve")), ""),
        (HOLDERS, alone(person("ada", rights="view run")), "none of those who may approve"),
        (Stage(approvers=("user:ada",)), alone(person("ada")), ""),
        (SRE, Mandate(by=person("bob"), of=person("ada", "sre")), ""),
        (SRE, Mandate(by=person("bob"), of=person("ada", "sre"), delegated=False), "has not named bob"),
        (SRE, Mandate(by=person("bob", "sre"), of=person("ada")), "none of those who may approve"),
        (SRE, Mandate(by=person("bob"), of=person("ada", "sre", enabled=False)), "The account of ada is disabled"),
        (SRE, Mandate(by=person("rosa"), of=person("ada", "sre")), "never approves"),
        (SRE, Mandate(by=person("bob"), of=person("rosa", "sre")), "never approves"),
    ],
)
def test_a_voice_is_who_is_meant_and_never_who_asked(stage: Stage, mandate: Mandate, reason: str) -> None:
    decision = mandate_of(stage, mandate, requester="rosa")
    assert bool(decision) is (reason == "")
    assert reason in " ".join(decision.reasons)


def given(*mandates: Mandate, stage: int = 0) -> list[Given]:
    return [Given(stage=stage, mandate=one, key=number) for number, one in enumerate(mandates)]


def test_a_quorum_counts_people_and_not_accounts() -> None:
    two = Stage(approvers=("group:sre",), count=2)
    ada, robot, bob = person("ada", "sre"), person("robot", "sre", of="ada"), person("bob", "sre")
    assert standing([two], given(alone(ada), alone(robot)), requester="rosa").missing == 1
    assert standing([two], given(alone(ada), alone(bob)), requester="rosa").complete


def test_nobody_counts_twice_by_lending_their_voice() -> None:
    two = Stage(approvers=("group:sre",), count=2)
    ada, bob = person("ada", "sre"), person("bob")
    found = standing([two], given(Mandate(by=bob, of=ada), alone(ada)), requester="rosa")
    assert found.missing == 1
    assert "counts once" in found.objections[1]


def test_stages_are_asked_one_after_the_other_and_nobody_counts_in_two() -> None:
    stages = [Stage(approvers=("group:team",)), Stage(approvers=("group:sre",))]
    ada, bob = person("ada", "team", "sre"), person("bob", "sre")
    assert standing(stages, [], requester="rosa").stage == 0
    first = Given(stage=0, mandate=alone(ada), key="a")
    assert standing(stages, [first], requester="rosa").stage == 1
    again = Given(stage=1, mandate=alone(ada), key="b")
    assert standing(stages, [first, again], requester="rosa").stage == 1
    other = Given(stage=1, mandate=alone(bob), key="c")
    assert standing(stages, [first, other], requester="rosa").complete


def test_an_approval_that_no_longer_counts_is_named_and_missed() -> None:
    found = standing([SRE], given(alone(person("ada"))), requester="rosa")
    assert found.missing == 1
    assert found.objections[0].startswith("ada is none of those who may approve it now: group:sre")
