"""What the end of a run means to a shell and to a person."""

from collections.abc import Mapping
from datetime import datetime

from runbooks.cli.failures import HIGHEST_OF_SCRIPT, NOT_ALLOWED, OPSAAS_FAILED, TIMED_OUT

FINAL = frozenset({"succeeded", "failed", "timed_out", "cancelled", "denied", "expired", "refused", "lost"})

_CODES = {
    "succeeded": 0,
    "timed_out": TIMED_OUT,
    "lost": OPSAAS_FAILED,
    "denied": NOT_ALLOWED,
    "refused": NOT_ALLOWED,
    "expired": NOT_ALLOWED,
    "cancelled": NOT_ALLOWED,
}
_MEANING = {
    "succeeded": "succeeded",
    "failed": "failed",
    "timed_out": "ran out of time and was stopped",
    "cancelled": "was cancelled",
    "denied": "was denied by an approver and never started",
    "expired": "was not started in time and never will be",
    "refused": "was refused at its start: permission, approval or content no longer held",
    "lost": "is lost: its worker vanished, and it may or may not have finished. Check before you start it again",
}


def exit_code_of(run: Mapping[str, object]) -> int:
    """The script's own code where there is one, clamped to what is left free for it."""
    status = str(run.get("status"))
    if status in _CODES:
        return _CODES[status]
    code = run.get("exit_code")
    # Failed without a code of the script: its interpreter is missing, or opsaas itself failed.
    return min(code, HIGHEST_OF_SCRIPT) if isinstance(code, int) and code > 0 else OPSAAS_FAILED


def summary_of(run: Mapping[str, object]) -> str:
    status = str(run.get("status"))
    text = f"run {run.get('id')} {_MEANING.get(status, f'is {status}')}"
    if status == "failed" and isinstance(run.get("exit_code"), int):
        text += f" with exit code {run['exit_code']}"
    seconds = seconds_between(run.get("started_at"), run.get("finished_at"))
    text += f" after {in_words(seconds)}." if seconds is not None else "."
    if run.get("status_detail"):
        text += f"\nopsaas: {run['status_detail']}"
    if run.get("output_complete") is False:
        text += "\nopsaas: part of its output is missing: it could not be stored."
    return text


def seconds_between(start: object, end: object) -> float | None:
    try:
        return (datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds()
    except (ValueError, TypeError):
        return None


def in_words(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
