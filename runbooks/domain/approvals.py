"""Whether a person may approve a run, and whether the approvals given so far let it start. Facts in, reasons out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from runbooks.domain.approval_rules import Stage
from runbooks.domain.policy import YES, Decision, no, unless


@dataclass(frozen=True)
class Someone:
    """An account at a moment, and the person behind it."""

    person: object  # id; all accounts of a person have the same
    name: str
    account: Any = None  # id
    enabled: bool = True
    principals: frozenset[str] = frozenset()  # "user:alice" and "group:sre": as what they can be named
    rights: frozenset[str] = frozenset()  # on the runbook


@dataclass(frozen=True)
class Mandate:
    """Who speaks, and for whom: mostly for themselves; as a delegate for somebody else."""

    by: Someone
    of: Someone
    delegated: bool = True  # where these differ: OF has named BY, for now

    @property
    def people(self) -> set[object]:
        return {self.by.person, self.of.person}


@dataclass(frozen=True)
class Given:
    """An approval that somebody has given."""

    stage: int
    mandate: Mandate
    key: object = None  # by which the caller knows it again


@dataclass(frozen=True)
class Standing:
    """How far a request has come."""

    stage: int | None  # that is asked now; None: all have said yes
    missing: int  # how many more this stage needs
    objections: dict[object, str]  # by key: why an approval does not count

    @property
    def complete(self) -> bool:
        return self.stage is None


def mandate_of(stage: Stage, mandate: Mandate, *, requester: object) -> Decision:
    """Whether whoever speaks has a voice in STAGE. REQUESTER is the person who asked for the run."""
    by, of = mandate.by, mandate.of
    if requester in mandate.people:
        return no("Who asked for a run never approves it, by whatever account: somebody else has to.")
    delegated = by.person == of.person or mandate.delegated
    return unless(
        None if by.enabled else f"The account of {by.name} is disabled.",
        None if by is of or of.enabled else f"The account of {of.name} is disabled.",
        None if delegated else f"{of.name} has not named {by.name} as a delegate, or no longer.",
        None if _has_voice(stage, of) else f"{of.name} is none of those who may approve it now: {stage.whom}.",
        None if "view" in by.rights else f"{by.name} does not see this runbook.",
    )


def by_a_person(via: str, *, what: str) -> Decision:
    """Where a person has to decide: VIA is how they came, WHAT ends the sentence."""
    return no(f"People decide; an agent may read: its token can't {what}.") if via == "agent" else YES


def _has_voice(stage: Stage, someone: Someone) -> bool:
    if stage.approvers:
        return not someone.principals.isdisjoint(stage.approvers)
    return "approve" in someone.rights


def standing(stages: Sequence[Stage], given: Sequence[Given], *, requester: object) -> Standing:
    """GIVEN in the order in which they were given. Each is looked at anew, as things are now; a person counts once,
    whether they spoke for themselves or somebody spoke for them."""
    objections: dict[object, str] = {}
    counted: list[int] = [0] * len(stages)
    heard: set[object] = set()
    for one in given:
        decision = mandate_of(stages[one.stage], one.mandate, requester=requester) & once(one.mandate, heard=heard)
        if decision:
            heard |= one.mandate.people
            counted[one.stage] += 1
        else:
            objections[one.key] = " ".join(decision.reasons)
    for index, stage in enumerate(stages):
        if counted[index] < stage.count:
            return Standing(stage=index, missing=stage.count - counted[index], objections=objections)
    return Standing(stage=None, missing=0, objections=objections)


def once(mandate: Mandate, *, heard: Collection[object]) -> Decision:
    if mandate.people.isdisjoint(heard):
        return YES
    return no("A person counts once: their approval is there already, by themselves or by a delegate.")
