"""What a definition's `policy` says: whose yes a run needs before it starts, and what has to be given as its reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbooks.domain.conditions import APPROVAL, ConditionFailed, holds
from runbooks.domain.durations import seconds_of
from runbooks.domain.flow_sense import text_problems
from runbooks.domain.patterns import found_in, pattern_problems
from runbooks.domain.ports import JsonValue
from runbooks.domain.problems import Problem

DEFAULT_EXPIRY = "4h"
LONGEST_EXPIRY_SECONDS = 30 * 24 * 3600
MOST_APPROVALS = 20  # in one stage


@dataclass(frozen=True)
class Stage:
    """So many people of these have to say yes; the next stage is asked once they have."""

    approvers: tuple[str, ...] = ()  # "group:slug" and "user:name"; empty: whoever holds the right `approve`
    count: int = 1
    name: str = ""

    def as_json(self) -> dict[str, JsonValue]:
        return {"name": self.name, "from": list(self.approvers), "count": self.count}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Stage":
        return Stage(approvers=tuple(data["from"]), count=data["count"], name=data["name"])

    @property
    def whom(self) -> str:
        """For the middle of a sentence."""
        return " or ".join(self.approvers) if self.approvers else "who holds the right “approve”"


@dataclass(frozen=True)
class ApprovalRule:
    stages: tuple[Stage, ...]
    expires_seconds: float
    when: str | None = None  # CEL; None: before every run


@dataclass(frozen=True)
class Policy:
    """The `policy` of a definition."""

    approvals: ApprovalRule | None = None
    reason_required: bool = False
    ticket: str | None = None  # RE2; the reason has to hold a match
    beside: "Policy | None" = None  # of the published version, where another one runs: it binds as well

    @property
    def each(self) -> "tuple[Policy, ...]":
        return (self.beside, self) if self.beside else (self,)

    @property
    def rules(self) -> tuple[ApprovalRule, ...]:
        return tuple(one.approvals for one in self.each if one.approvals is not None)

    @property
    def tickets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.ticket for one in self.each if one.ticket is not None))

    @property
    def wants_reason(self) -> bool:
        return any(one.reason_required or one.ticket is not None for one in self.each)


NO_POLICY = Policy()


@dataclass(frozen=True)
class Asked:
    """A rule asks for approvals of one run."""

    stages: tuple[Stage, ...]
    because: str  # a sentence: which rule asks
    expires_seconds: float


@dataclass(frozen=True)
class StartFacts:
    """What a rule may look at: the run that is asked for."""

    values: Mapping[str, JsonValue]
    targets: Sequence[str]  # names of the nodes
    actor: Mapping[str, JsonValue]  # name, kind, groups
    trigger: str
    now: datetime


def asked_by(rule: ApprovalRule | None, facts: StartFacts) -> Asked | None:
    """What RULE asks for this run, if anything. A condition that can't be told over these values asks: nobody should
    get past it by leaving a value out."""
    if rule is None:
        return None
    because = "This runbook asks for approval of every run."
    if rule.when is not None:
        try:
            if not holds(rule.when, vocabulary=APPROVAL, values=_as_values(facts)):
                return None
            because = f"This runbook asks for approval where {rule.when}."
        except ConditionFailed as error:
            because = f"Whether this run needs approval can't be told, so it does. {error}"
    return Asked(stages=rule.stages, because=because, expires_seconds=rule.expires_seconds)


def asked_by_all(policy: Policy, facts: StartFacts) -> Asked | None:
    """What all rules of POLICY ask together, one after the other, and within the shorter time."""
    found = [asked for rule in policy.rules if (asked := asked_by(rule, facts))]
    if not found:
        return None
    return Asked(
        stages=one_after_the_other([one.stages for one in found]),
        because=" ".join(dict.fromkeys(one.because for one in found)),
        expires_seconds=min(one.expires_seconds for one in found),
    )


def are_of(stages: object, policy: Policy, *, asked: Asked | None) -> bool:
    """Whether STAGES, as they were stored, are what rules of POLICY can have asked, and no less than what they ask now.
    Which rules asked may have depended on groups that nobody remembers."""
    each = [rule.stages for rule in policy.rules]
    told = [[stage.as_json() for stage in one] for one in (*each, one_after_the_other(each))]
    now = [stage.as_json() for stage in asked.stages] if asked else []
    return isinstance(stages, list) and stages in told and all(stage in stages for stage in now)


def one_after_the_other(rules: Sequence[Sequence[Stage]]) -> tuple[Stage, ...]:
    """A stage that an earlier rule has as well is asked once: the same people, and as many of them."""
    asked: list[Stage] = []
    for stages in rules:
        same = [(one.approvers, one.count) for one in asked]
        for stage in stages:
            if (stage.approvers, stage.count) in same:
                same.remove((stage.approvers, stage.count))
            else:
                asked.append(stage)
    return tuple(asked)


def _as_values(facts: StartFacts) -> dict[str, JsonValue | datetime]:
    return {
        "params": dict(facts.values),
        "targets": list(facts.targets),
        "actor": dict(facts.actor),
        "trigger": facts.trigger,
        "now": facts.now,
    }


def reason_problems(policy: Policy, *, reason: str) -> Iterator[Problem]:
    """What is wrong with the reason that somebody gave for a run."""
    missing = [ticket for ticket in policy.tickets if not found_in(ticket, reason)]
    for ticket in missing:
        detail = f"This runbook asks for a ticket in the reason: something that matches {ticket}."
        yield Problem("/reason", "no_ticket", detail)
    if policy.wants_reason and not missing and not reason.strip():
        yield Problem("/reason", "required", "This runbook asks for a reason: say why you run it.")


def policy_of(spec: Mapping[str, Any]) -> Policy:
    """From the fields that the schema has accepted."""
    fields = spec.get("policy")
    if not fields:
        return NO_POLICY
    return Policy(
        approvals=_rule(fields["approvals"]) if "approvals" in fields else None,
        reason_required=fields.get("reason") == "required",
        ticket=fields.get("ticket"),
    )


def _rule(fields: Mapping[str, Any]) -> ApprovalRule:
    return ApprovalRule(
        stages=tuple(_stage(one) for one in fields.get("stages", [fields])),
        expires_seconds=seconds_of(fields.get("expires", DEFAULT_EXPIRY)),
        when=fields.get("when"),
    )


def _stage(fields: Mapping[str, Any]) -> Stage:
    return Stage(approvers=tuple(fields.get("from", ())), count=fields.get("count", 1), name=fields.get("name", ""))


def policy_problems(spec: Mapping[str, Any], *, parameters: frozenset[str]) -> Iterator[Problem]:
    """What the schema can't say about the policy."""
    fields, pointer = spec.get("policy", {}), "/spec/policy"
    if "ticket" in fields:
        yield from pattern_problems(fields["ticket"], pointer=f"{pointer}/ticket")
    if "approvals" in fields:
        yield from _rule_problems(fields["approvals"], pointer=f"{pointer}/approvals", parameters=parameters)


def _rule_problems(fields: Mapping[str, Any], *, pointer: str, parameters: frozenset[str]) -> Iterator[Problem]:
    if "when" in fields:
        place = f"{pointer}/when"
        yield from text_problems(
            fields["when"], vocabulary=APPROVAL, result="bool", parameters=parameters, pointer=place
        )
    if "expires" in fields and not 1 <= seconds_of(fields["expires"]) <= LONGEST_EXPIRY_SECONDS:
        yield Problem(f"{pointer}/expires", "out_of_range", "A request for approval stays open from 1s to 720h.")
    if "stages" in fields:
        for name in fields.keys() & {"from", "count"}:
            yield Problem(f"{pointer}/{name}", "not_applicable", "Each of the stages says this for itself.")
        for index, stage in enumerate(fields["stages"]):
            yield from _stage_problems(stage, pointer=f"{pointer}/stages/{index}")
    else:
        yield from _stage_problems(fields, pointer=pointer)


def _stage_problems(fields: Mapping[str, Any], *, pointer: str) -> Iterator[Problem]:
    named = fields.get("from", ())
    if named and all(name.startswith("user:") for name in named) and len(named) < fields.get("count", 1):
        detail = f"So many approvals can't come together: only {len(named)} can be given."
        yield Problem(f"{pointer}/count", "out_of_range", detail)
