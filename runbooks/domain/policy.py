"""Separation of duties and guardrails: facts in, a decision with reasons out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from runbooks.domain.rights import RIGHT_TITLES
from runbooks.domain.states import VersionState


@dataclass(frozen=True)
class Decision:
    """Whether something is allowed and, where it is not, why: sentences for the person who asked."""

    allowed: bool
    reasons: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed

    def __and__(self, other: "Decision") -> "Decision":
        return Decision(self.allowed and other.allowed, self.reasons + other.reasons)


YES = Decision(True)


def no(*reasons: str) -> Decision:
    return Decision(False, reasons)


def unless(*reasons: str | None) -> Decision:
    """Yes, unless any reason is given."""
    given = tuple(reason for reason in reasons if reason)
    return Decision(not given, given)


def needs_right(*, right: str, held: Collection[str], thing: str) -> Decision:
    if right in held:
        return YES
    return no(f"This needs the right “{right}” ({RIGHT_TITLES[right].lower()}) on {thing}, which you do not hold.")


def review_of(*, state: VersionState, reviewer: object, authors: Collection[object]) -> Decision:
    """REVIEWER and AUTHORS are people (ids), whatever account they used; authors of all since the last published."""
    return unless(
        "You wrote some of what changed since the last published version; somebody else has to review it."
        if reviewer in authors
        else None,
        f"Only a version in review can be reviewed; this one is {words(state)}."
        if state not in {VersionState.IN_REVIEW, VersionState.APPROVED}
        else None,
    )


def publication_of(*, state: VersionState) -> Decision:
    return unless(
        None
        if state in {VersionState.APPROVED, VersionState.SUPERSEDED}
        else f"Only an approved version can be published; this one is {words(state)}."
    )


def start_of(
    *, accepts_runs: bool, archived: bool, state: VersionState | None, by_default: bool, holds_review: bool
) -> Decision:
    """STATE is that of the chosen version; BY_DEFAULT: it is the published one, not one that was named."""
    return unless(
        None if accepts_runs else "New runs are switched off for the whole installation at the moment.",
        "This runbook is archived." if archived else None,
        "Nothing is published yet: a reviewed version has to be published before it can run."
        if state is None
        else None,
        _version_reason(state=state, by_default=by_default, holds_review=holds_review),
    )


def _version_reason(*, state: VersionState | None, by_default: bool, holds_review: bool) -> str | None:
    if state is None or by_default or state is VersionState.PUBLISHED:
        return None
    if state not in {VersionState.APPROVED, VersionState.SUPERSEDED}:
        return f"Only reviewed content runs; this version is {words(state)}."
    if not holds_review:
        return "Running another version than the published one needs the right “review” on the runbook."
    return None


def cancel_of(*, is_requester: bool, rights: Collection[str]) -> Decision:
    return unless(
        None
        if is_requester or {"run", "administer"} & set(rights)
        else "A run can be cancelled by who asked for it and by those who may run this runbook.",
    )


def answer_of(*, named: Sequence[str], is_named: bool, may_run: Decision, limited_to_less: bool) -> Decision:
    """Whether somebody who sees the run may answer its manual step. NAMED: "user:name", "group:slug"; nobody named
    means whoever may run the runbook. LIMITED_TO_LESS: the credential does not extend to running."""
    if not named:
        return may_run
    return unless(
        None if is_named else f"Only {either(named)} may answer this step.",
        "This token is limited to less than the right “run”." if limited_to_less else None,
    )


def either(names: Sequence[str]) -> str:
    """ "a, b or c"."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def grant_of(*, rights: Collection[str], held: Collection[str], to_oneself: bool) -> Decision:
    """HELD are the grantor's rights on the object; TO_ONESELF: an account of the grantor gets them."""
    if "administer" in held:
        return unless(
            "Nobody widens their own rights: not to yourself, to groups you are in, or to service accounts you own."
            if to_oneself
            else None
        )
    if "grant" not in held:
        return needs_right(right="grant", held=held, thing="it")
    missing = sorted(set(rights) - set(held))
    return unless(
        f"You can hand out only rights that you hold; you do not hold {', '.join(missing)}." if missing else None,
        "Nobody widens their own rights: not to yourself, to groups you are in, or to service accounts you own."
        if to_oneself
        else None,
    )


def node_change_of(*, rights: Collection[str], thing: str) -> Decision:
    """Who vets what runs also vets where it runs: its machines, and the keys by which they are known."""
    allowed = {"review", "administer"} & set(rights)
    return unless(None if allowed else f"This needs the right “review” or “administer” on {thing}.")


def words(status: str) -> str:
    return str(status).replace("_", " ")
