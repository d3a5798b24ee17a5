"""From a warden's report to an Outcome, in sentences for people."""

from runbooks.domain.ports import Outcome, OutcomeKind, StopReason
from runbooks.execution.launch import CannotStart, explain
from runbooks.execution.left import Left

_KINDS = {"exited": OutcomeKind.EXITED, "timeout": OutcomeKind.TIMED_OUT, "stop": OutcomeKind.STOPPED}
_VANISHED = {
    "": "The process that stood over the script was killed, or the machine ran out of memory.",
    "deadline": "This worker was paused for longer than its lease, and the script was ended.",
    "spawner_gone": "The spawner process of this worker ended, and the script was ended with it.",
    "worker_gone": "The connection between the worker and the script's warden was cut, and the script was ended.",
}


def outcome(*, report: str, last_words: list[str], left: Left, stop_reason: StopReason | None, program: str) -> Outcome:
    """`report` and `last_words` are lines as `channel` describes them; an empty report means that the warden died."""
    trouble = [_trouble(line) for line in last_words]
    word, _, rest = report.partition(" ")
    if word == "not_started":
        number, _, text = rest.partition(" ")
        return not_started(explain(int(number), text, program), *trouble)
    why, _, rest = rest.partition(" ")
    code, _, unkillable = rest.partition(" ")
    if unkillable or why not in _KINDS:
        return _lost(why, unkillable, stop_reason, trouble)
    return Outcome(
        kind=_KINDS[why],
        exit_code=int(code),
        stop_reason=stop_reason if why == "stop" else None,
        detail=" ".join([*left.complaints, *trouble]),
        outputs=left.outputs,
        summary=left.summary,
    )


def not_started(error: CannotStart, *trouble: str) -> Outcome:
    return Outcome(kind=OutcomeKind.NOT_STARTED, exit_code=error.exit_code, detail=" ".join([str(error), *trouble]))


def _lost(why: str, unkillable: str, stop_reason: StopReason | None, trouble: list[str]) -> Outcome:
    if why == "deadline" and stop_reason is StopReason.LEASE_LOST and not unkillable:
        return Outcome(kind=OutcomeKind.STOPPED, stop_reason=stop_reason, detail=" ".join(trouble))
    sentences = [_VANISHED.get(why, ""), "How far it came is unknown.", *trouble]
    if unkillable:
        sentences.insert(0, f"Processes of the script belong to another user and could not be ended: {unkillable}.")
    return Outcome(kind=OutcomeKind.VANISHED, detail=" ".join(filter(None, sentences)))


def _trouble(line: str) -> str:
    word, _, text = line.partition(" ")
    if word == "not_removed":
        return f"The working folder could not be removed: {text}."
    return "The worker was paused when the script ended: its outputs and its summary may be lost."
