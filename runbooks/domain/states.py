"""Statuses of runs, step runs and versions, and the moves between them, as tables.

The database enforces the same tables: `models/triggers.py` turns them into triggers on both engines.
"""

from enum import StrEnum


class RunStatus(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"  # allowed, needs other people's yes
    QUEUED = "queued"  # may start as soon as a worker claims it
    RUNNING = "running"  # a step holds a lease
    WAITING = "waiting"  # a manual step, a wait, or another runbook's run; holds no worker
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    DENIED = "denied"  # never started: an approver said no
    EXPIRED = "expired"  # never started: nobody answered, or no worker came, in time
    REFUSED = "refused"  # never started: permission, approval or content no longer held
    LOST = "lost"  # the worker vanished: it may or may not have finished


class StepStatus(StrEnum):
    PENDING = "pending"  # an earlier step has not ended yet
    QUEUED = "queued"  # may be claimed
    RUNNING = "running"  # a worker holds its lease
    WAITING = "waiting"  # for a person, a moment, or another runbook's run; holds no worker
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # never started: its condition, a cancel, or how something before it ended
    LOST = "lost"


class VersionState(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"  # was published, a later version is now
    WITHDRAWN = "withdrawn"  # taken back before it was ever published


class HostKeyState(StrEnum):
    SEEN = "seen"  # a machine showed it; nobody has looked yet
    ACCEPTED = "accepted"  # pinned: who shows it is the machine
    REJECTED = "rejected"


RUN_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.AWAITING_APPROVAL: frozenset(
        {RunStatus.QUEUED, RunStatus.DENIED, RunStatus.EXPIRED, RunStatus.CANCELLED}
    ),
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.REFUSED, RunStatus.EXPIRED}),
    RunStatus.RUNNING: frozenset(
        {
            RunStatus.WAITING,
            RunStatus.SUCCEEDED,
            RunStatus.FAILED,
            RunStatus.TIMED_OUT,
            RunStatus.CANCELLED,
            RunStatus.LOST,
        }
    ),
    RunStatus.WAITING: frozenset({RunStatus.RUNNING, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.TIMED_OUT}),
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.TIMED_OUT: frozenset(),
    RunStatus.CANCELLED: frozenset(),
    RunStatus.DENIED: frozenset(),
    RunStatus.EXPIRED: frozenset(),
    RunStatus.REFUSED: frozenset(),
    RunStatus.LOST: frozenset(),
}

STEP_MOVES: dict[StepStatus, frozenset[StepStatus]] = {
    StepStatus.PENDING: frozenset({StepStatus.QUEUED, StepStatus.SKIPPED, StepStatus.FAILED}),
    StepStatus.QUEUED: frozenset({StepStatus.RUNNING, StepStatus.WAITING, StepStatus.SKIPPED, StepStatus.FAILED}),
    StepStatus.RUNNING: frozenset(
        {
            StepStatus.SUCCEEDED,
            StepStatus.FAILED,
            StepStatus.TIMED_OUT,
            StepStatus.CANCELLED,
            StepStatus.LOST,
        }
    ),
    StepStatus.WAITING: frozenset(
        {StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.TIMED_OUT, StepStatus.CANCELLED, StepStatus.LOST}
    ),
    StepStatus.SUCCEEDED: frozenset(),
    StepStatus.FAILED: frozenset(),
    StepStatus.TIMED_OUT: frozenset(),
    StepStatus.CANCELLED: frozenset(),
    StepStatus.SKIPPED: frozenset(),
    StepStatus.LOST: frozenset(),
}

VERSION_MOVES: dict[VersionState, frozenset[VersionState]] = {
    VersionState.DRAFT: frozenset({VersionState.IN_REVIEW, VersionState.WITHDRAWN}),
    VersionState.IN_REVIEW: frozenset({VersionState.APPROVED, VersionState.REJECTED, VersionState.WITHDRAWN}),
    VersionState.APPROVED: frozenset({VersionState.PUBLISHED, VersionState.REJECTED, VersionState.WITHDRAWN}),
    VersionState.REJECTED: frozenset(),
    VersionState.PUBLISHED: frozenset({VersionState.SUPERSEDED}),
    VersionState.SUPERSEDED: frozenset({VersionState.PUBLISHED}),
    VersionState.WITHDRAWN: frozenset(),
}

HOST_KEY_MOVES: dict[HostKeyState, frozenset[HostKeyState]] = {
    HostKeyState.SEEN: frozenset({HostKeyState.ACCEPTED, HostKeyState.REJECTED}),
    HostKeyState.ACCEPTED: frozenset({HostKeyState.REJECTED}),
    HostKeyState.REJECTED: frozenset({HostKeyState.ACCEPTED}),
}

RUN_FINAL = frozenset(status for status, moves in RUN_MOVES.items() if not moves)
STEP_FINAL = frozenset(status for status, moves in STEP_MOVES.items() if not moves)
RUN_NEVER_STARTED = frozenset({RunStatus.DENIED, RunStatus.EXPIRED, RunStatus.REFUSED})
