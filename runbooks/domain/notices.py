"""What people can be told of: each event by its name, and which acts of the log are one."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from runbooks.domain.states import RUN_NEVER_STARTED, RunStatus


@dataclass(frozen=True)
class Event:
    """SAYS completes a sentence: "{who} {says} {what}"."""

    title: str
    says: str
    actions: frozenset[str]  # of the audit log
    outcome: str = "done"
    statuses: frozenset[str] = frozenset()  # of the run; empty: any


def _on(title: str, says: str, *actions: str, outcome: str = "done", statuses: Collection[str] = ()) -> Event:
    return Event(title, says, frozenset(actions), outcome, frozenset(statuses))


def _end(title: str, status: RunStatus) -> Event:
    action = f"run.{status}" if status in RUN_NEVER_STARTED or status is RunStatus.LOST else "run.finished"
    return _on(title, "", action, statuses=[status])


# The particular before the general: a message is named after the first that it was asked for by.
EVENTS: dict[str, Event] = {
    "succeeded": _end("A run succeeded", RunStatus.SUCCEEDED),
    "failed": _end("A run failed", RunStatus.FAILED),
    "timed_out": _end("A run timed out", RunStatus.TIMED_OUT),
    "cancelled": _end("A run was cancelled", RunStatus.CANCELLED),
    "lost": _end("A run was lost with its worker", RunStatus.LOST),
    "refused": _end("A run was refused at its start", RunStatus.REFUSED),
    "denied": _end("A run was denied by an approver", RunStatus.DENIED),
    "expired": _end("A run expired: nobody approved it, or nothing started it, in time", RunStatus.EXPIRED),
    "finished": _on("A run ended, however", "", "run.finished", "run.lost"),
    "requested": _on("A run was asked for", "asked for a run of", "run.requested"),
    "awaiting_approval": _on("A run waits for approval", "asks for approval of a run of", "run.approval_asked"),
    "approved": _on("A run was approved", "has the approval for a run of", "run.approved"),
    "not_allowed": _on("Somebody was not allowed to run", "was not allowed to run", "run.requested", outcome="denied"),
    "started": _on("A run started", "has a run that started:", "run.started"),
    "cancel_requested": _on("Somebody wants a run cancelled", "wants a run cancelled:", "run.cancel_requested"),
    "answered": _on("A waiting step was answered", "answered a step of", "run.step_completed"),
    "review_requested": _on("A version waits for review", "asks for a review of", "version.submitted"),
    "reviewed": _on("A version was reviewed", "reviewed", "version.reviewed"),
    "published": _on("A version was published", "published", "version.published"),
    "granted": _on("A right was granted", "granted rights to", "grant.created"),
    "grant_revoked": _on("A grant was revoked", "revoked the grant to", "grant.revoked"),
    "secret_rotated": _on("A secret got a new value", "set a new value of", "secret.rotated"),
    "secret_archived": _on("A secret was archived", "archived", "secret.archived"),
    "host_key_accepted": _on("A host key was accepted", "accepted", "host_key.accepted"),
    "break_glass": _on("Somebody broke the glass", "broke the glass for a run of", "glass.broken"),
    "glass_reviewed": _on("A broken glass was reviewed", "reviewed the broken glass of", "glass.reviewed"),
    "frozen": _on("A freeze was set", "set a freeze of", "freeze.created"),
    "freeze_lifted": _on("A freeze was lifted", "lifted a freeze of", "freeze.lifted"),
    "delegated": _on("Somebody approves for another", "lets another approve:", "delegation.made"),
    "kill_switch": _on("The kill switch was turned", "turned the kill switch of", "kill_switch.set"),
    "member_added": _on("Somebody joined a group", "added a member to", "membership.added"),
    "disabled": _on("An account was disabled", "disabled", "user.disabled"),
}
ACTIONS = frozenset(action for event in EVENTS.values() for action in event.actions)
ENDS = frozenset(name for name, event in EVENTS.items() if event.statuses) | {"finished"}
PROBLEMS = frozenset({"failed", "timed_out", "cancelled", "lost", "refused", "denied", "expired"})
URGENT = frozenset({"kill_switch", "awaiting_approval", "break_glass"})  # nobody's digest holds them up

TO = re.compile(r"owners|auditors|requester|user:[a-z0-9][a-z0-9._-]{0,63}|(?:group|endpoint):[a-z0-9][a-z0-9-]{0,63}")


def names_of(*, action: str, outcome: str, details: Mapping[str, object]) -> tuple[str, ...]:
    """The events that an act of the log is, the most particular first."""
    status = details.get("status")
    return tuple(
        name
        for name, event in EVENTS.items()
        if action in event.actions and outcome == event.outcome and (not event.statuses or status in event.statuses)
    )
