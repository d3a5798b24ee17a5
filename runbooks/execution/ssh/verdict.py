"""From a node's report to an Outcome, in sentences for people."""

import errno
import re

from runbooks.domain import outputs
from runbooks.domain.ports import Level, Outcome, OutcomeKind, StopReason
from runbooks.execution.launch import NOT_EXECUTABLE, NOT_FOUND, CannotStart, explain
from runbooks.execution.left import Left, take_summary
from runbooks.execution.ssh.report import Report
from runbooks.execution.verdict import not_started

_ENDED = re.compile(r"([a-z]+) ([0-9]{1,3})(?: |$)")
_NOT_KNOWN = "How far it came is not known."
_LIMITS = {
    "cpu_seconds": "processor time",
    "memory_bytes": "memory",
    "processes": "processes",
    "open_files": "open files",
    "file_bytes": "file size",
}
_LOST = {
    "deadline": "No renewal reached {node} for longer than the lease, and the script was ended.",
    "gone": "The connection to {node} was cut, and the script was ended.",
    "killed": "The shell that stood over the script on {node} was killed, and the script was ended.",
}


def outcome(report: Report, *, node: str, program: str) -> Outcome:
    trouble = [f"The working folder on {node} could not be removed: {text}." for text in _rest(report, "not_removed")]
    refusal = _refusal(report, node, program)
    if refusal is not None:
        return not_started(refusal, *trouble)
    ended = _ENDED.match(report.word("ended") or "")
    if ended is None:
        return _cut(report, node)
    why, code = ended.groups()
    if report.unkillable or why in _LOST:
        return _lost(report, node, why, trouble)
    left = _left(report, node)
    return Outcome(
        kind=_kind(report, why),
        exit_code=int(code),
        stop_reason=report.stop_reason if why == "stop" else None,
        detail=" ".join([*left.complaints, *report.complaints, *trouble]),
        outputs=left.outputs,
        summary=left.summary,
        level=Level.HOST,
        limits=report.tighter,
    )


def _kind(report: Report, why: str) -> OutcomeKind:
    if why == "exited":
        return OutcomeKind.EXITED
    return OutcomeKind.TIMED_OUT if report.timed_out else OutcomeKind.STOPPED


def _rest(report: Report, word: str) -> list[str]:
    rest = report.word(word)
    return [] if rest is None else [rest]


def _refusal(report: Report, node: str, program: str) -> CannotStart | None:
    if report.word("no_folder") is not None:
        sentence = f"No working folder could be made on {node}: no place can be written to."
        return CannotStart(sentence, exit_code=NOT_EXECUTABLE)
    refused = report.word("not_started")
    if refused is None:
        return None
    why, _, what = refused.partition(" ")
    if why == "no_limit":
        return CannotStart(_no_limit(what, node), exit_code=NOT_EXECUTABLE)
    if why == "refused":
        return explain(errno.ENOENT if what == "127" else errno.EACCES, "Permission denied", program)
    sentences = {
        "missing": f'The interpreter "{what}" {"does not exist" if "/" in what else "was not found"} on {node}.',
        "not_executable": f'The interpreter "{what}" is not executable on {node}.',
        "no_space": f"The working folder {what} on {node} could not be filled: is its disk full?",
    }
    sentence = sentences.get(why, f"The connection to {node} ended before the script was there.")
    return CannotStart(sentence, exit_code=NOT_FOUND if why == "missing" else NOT_EXECUTABLE)


def _no_limit(what: str, node: str) -> str:
    name, _, why = what.partition(" ")
    sentence = f"The limit of {_LIMITS.get(name, name)} can't be kept on {node}"
    if why == "root":
        return f"{sentence}: scripts run as root there, whose processes the kernel does not count."
    if why:
        return f"{sentence}: {why} processes of its account are there already, and all of them count."
    return f"{sentence}: its shell has no ulimit for that."


def _cut(report: Report, node: str) -> Outcome:
    if report.sent:
        how = "does not answer any more" if report.silent else "ended without a word on how the script ended"
        sentence = f"The connection to {node} {how}. The node stops by itself whatever still runs. {_NOT_KNOWN}"
        return Outcome(kind=OutcomeKind.VANISHED, detail=sentence, level=Level.HOST, limits=report.tighter)
    if report.stop_reason is not None:
        return stopped_before(report.stop_reason)
    if report.late:
        sentence = f"The login shell on {node} did not get ready in time: do its start-up files wait for something?"
    else:
        sentence = f"{node} closed the session before the script was started: is there a POSIX shell with dd and awk?"
    return Outcome(kind=OutcomeKind.NOT_STARTED, detail=sentence)


def stopped_before(reason: StopReason) -> Outcome:
    return Outcome(kind=OutcomeKind.STOPPED, stop_reason=reason, detail="Stopped before it was started.")


def _lost(report: Report, node: str, why: str, trouble: list[str]) -> Outcome:
    if why == "deadline" and report.stop_reason is StopReason.LEASE_LOST and not report.unkillable:
        return Outcome(kind=OutcomeKind.STOPPED, stop_reason=report.stop_reason, detail=" ".join(trouble))
    sentences = [_NOT_KNOWN, *trouble]
    if why in _LOST:
        sentences.insert(0, _LOST[why].format(node=node))
    if report.unkillable:
        sentences.insert(0, f"Processes of the script on {node} could not be ended: {report.unkillable}.")
    return Outcome(kind=OutcomeKind.VANISHED, detail=" ".join(sentences), level=Level.HOST, limits=report.tighter)


def _left(report: Report, node: str) -> Left:
    left = Left()
    for name in ("output", "summary"):
        if any(line == f"odd {name}" for line in report.words):
            left.complaints.append(f"The {name} file on {node} could not be read: it is not a regular file.")
    parsed = outputs.parse(report.files.get("output", b""))
    left.outputs = parsed.values
    left.complaints += parsed.complaints
    take_summary(report.files.get("summary", b""), left)
    return left
