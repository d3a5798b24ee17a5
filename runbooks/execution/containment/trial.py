"""A little script that shows whether scripts can be run in some way at all."""

import os
from collections.abc import Callable

from runbooks.domain.ports import Lease, Outcome, OutcomeKind, OutputSink, StopReason, Work
from runbooks.execution.linux import boottime

_SECONDS = 15.0
_PASSED = 42
_SCRIPT = f'cd "$HOME" && echo x > tried && : < "$0" && exit {_PASSED}'


class _Deaf:
    """A sink that keeps the first words only."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data = (self.data + data)[:500]


class _ShortLease:
    """Nobody stops or renews it."""

    stop: StopReason | None = None

    def __init__(self) -> None:
        self.good_until = boottime() + 2 * _SECONDS
        self._never_readable, self._other_end = os.pipe()

    def fileno(self) -> int:
        return self._never_readable

    def acknowledge(self) -> None:
        pass

    def close(self) -> None:
        os.close(self._never_readable)
        os.close(self._other_end)


def verdict(execute: Callable[[Work, OutputSink, Lease], Outcome]) -> str:
    """Why the trial did not go well, for people; "" if it did."""
    sink, lease = _Deaf(), _ShortLease()
    try:
        outcome = execute(_work(), sink, lease)
    finally:
        lease.close()
    if (outcome.kind, outcome.exit_code) == (OutcomeKind.EXITED, _PASSED):
        return ""
    return outcome.detail or sink.data.decode(errors="replace").strip() or f"a trial ended with {outcome.exit_code}"


def _work() -> Work:
    return Work(
        run_id="trial",
        step_run_id="",
        step_id="trial",
        node="",
        attempt=1,
        actor="",
        script=_SCRIPT,
        script_name="main",
        interpreter=("/bin/sh",),
        parameters={},
        timeout_seconds=_SECONDS,
        grace_seconds=0.0,
    )
