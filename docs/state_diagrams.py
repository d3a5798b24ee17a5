"""Writes `docs/states.md` from the tables of `runbooks/domain/states.py`: `make docs`."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from runbooks.domain.states import RUN_MOVES, STEP_MOVES, VERSION_MOVES, RunStatus, StepStatus, VersionState

PAGE = Path(__file__).resolve().parent / "states.md"
TITLES: dict[type[StrEnum], str] = {RunStatus: "Runs", StepStatus: "Step runs", VersionState: "Versions"}
FIRST = {RunStatus.QUEUED, StepStatus.QUEUED}  # where a thing can begin, although a move leads there too
Moves = Mapping[StrEnum, frozenset[StrEnum]]

HEAD = """\
# States

Where a run, a step run or a version can be, and where it can go from there. The tables are those of
`runbooks/domain/states.py`; `runbooks/models/triggers.py` makes them triggers, so that the database refuses any other
move, whoever writes. This page is made from them by `make docs`.

What has no way out is final. To do something again is a new run.
"""
NOTES = {
    RunStatus: """\
A run is born `awaiting_approval` where the [policy](writing-a-runbook.md#policy) of its runbook asks, and only then.
The status is that of all steps but the cleanup; only a success becomes a failure when a cleanup step fails.""",
    StepStatus: """\
A step run that is `running` has a lease; the database refuses one without. Each claim raises its fence by one.""",
    VersionState: """\
One version of a runbook at most is `published`. Only a superseded one can be published again, without a new review:
its content has not changed.""",
}
MEANINGS: dict[type[StrEnum], dict[StrEnum, str]] = {
    RunStatus: {
        RunStatus.AWAITING_APPROVAL: "allowed, needs other people's yes",
        RunStatus.QUEUED: "starts as soon as a worker claims it",
        RunStatus.RUNNING: "a step has been claimed, and the last has not ended",
        RunStatus.WAITING: "a manual step, a wait, or another runbook's run; holds no worker",
        RunStatus.SUCCEEDED: "every step that ran ended with exit code 0",
        RunStatus.FAILED: "a step ended otherwise, or could not be started",
        RunStatus.TIMED_OUT: "a step took longer than its timeout and was stopped",
        RunStatus.CANCELLED: "somebody asked for it; no process is left",
        RunStatus.DENIED: "never started: an approver said no",
        RunStatus.EXPIRED: "never started: nobody approved it in time, or no worker came within `OPSAAS_QUEUE_SECONDS`",
        RunStatus.REFUSED: "never started: permission, approval or content no longer held, or the kill switch was on",
        RunStatus.LOST: "the worker vanished or was stopped: nothing runs any more, how far it came is not known",
    },
    StepStatus: {
        StepStatus.PENDING: "an earlier step has not ended yet, or the delay of a retry is not over",
        StepStatus.QUEUED: "may be claimed",
        StepStatus.RUNNING: "a worker holds its lease",
        StepStatus.WAITING: "for a person, a moment, or another runbook's run; holds no worker",
        StepStatus.SUCCEEDED: "exit code 0",
        StepStatus.FAILED: "another exit code, a signal, no start, or a condition that could not be evaluated",
        StepStatus.TIMED_OUT: "stopped at its timeout",
        StepStatus.CANCELLED: "stopped because the run was cancelled",
        StepStatus.SKIPPED: "never started: its condition, a cancel, or how something before it ended",
        StepStatus.LOST: "as of the run",
    },
    VersionState: {
        VersionState.DRAFT: "written, not submitted",
        VersionState.IN_REVIEW: "waits for a verdict of somebody who wrote none of it",
        VersionState.APPROVED: "somebody approved exactly this hash; it can be published",
        VersionState.REJECTED: "somebody said what would have to change; that is another version",
        VersionState.PUBLISHED: "runs by default",
        VersionState.SUPERSEDED: "was published, another one is now",
        VersionState.WITHDRAWN: "taken back before it was ever published",
    },
}


def text() -> str:
    tables: list[Moves] = [RUN_MOVES, STEP_MOVES, VERSION_MOVES]  # type: ignore[list-item]
    return "\n".join([HEAD, *map(_section, tables)])


def _section(moves: Moves) -> str:
    kind = type(next(iter(moves)))
    rows = [f"| `{state}` | {MEANINGS[kind][state]} |" for state in moves]
    table = "\n".join(["| | |", "|---|---|", *rows])
    return f"## {TITLES[kind]}\n\n{_diagram(moves)}\n\n{table}\n\n{NOTES[kind]}\n"


def _diagram(moves: Moves) -> str:
    beginnings = [state for state in moves if not any(state in news for news in moves.values())]
    beginnings += [state for state in moves if state in FIRST]
    arrows = [f"    [*] --> {state}" for state in beginnings]
    for state, news in moves.items():
        arrows += [f"    {state} --> {new}" for new in moves if new in news] or [f"    {state} --> [*]"]
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, "```"])


if __name__ == "__main__":
    PAGE.write_text(text())
