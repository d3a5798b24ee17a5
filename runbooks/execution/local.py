"""Scripts on the worker's own machine."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from runbooks.domain import outputs
from runbooks.domain.environment import parameter_variables
from runbooks.domain.ports import Lease, Outcome, OutcomeKind, OutputSink, StopReason, Work
from runbooks.execution.attempt import Attempt
from runbooks.execution.channel import Message
from runbooks.execution.folder import Layout, read_left_file
from runbooks.execution.launch import CannotStart, command, explain
from runbooks.execution.link import NoWarden, SpawnerLink, WardenHandle
from runbooks.execution.linux import boottime

DEFAULT_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PATIENCE_SECONDS = 30.0  # a warden that is so late with its report is no longer itself
LARGEST_SUMMARY_BYTES = 1024 * 1024

_VANISHED = {
    "gone": "The process that stood over the script was killed, or the machine ran out of memory.",
    "deadline": "This worker was paused for longer than its lease, and the script was ended.",
    "spawner_gone": "The spawner process of this worker ended, and the script was ended with it.",
    "worker_gone": "The connection between the worker and the script's warden was cut, and the script was ended.",
}


class LocalExecutor:
    """The `Executor` for the worker's own machine. One per worker process; safe to use from many threads.

    Each script holds the calling thread, asleep, and one warden process. A `sink.write()` that blocks for longer than
    three quarters of a lease keeps renewals from the warden, and it ends the script.
    """

    def __init__(
        self,
        *,
        base_folder: Path,
        search_path: str = DEFAULT_SEARCH_PATH,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._base_folder = base_folder
        self._search_path = search_path
        self._patience_seconds = patience_seconds
        self._link = SpawnerLink()

    def start(self) -> None:
        """Makes the base folder and starts the spawner, so that the first script need not wait for them."""
        self._base_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._link.start()

    def stop(self) -> None:
        """Ends the spawner and every script that still runs, and waits for that."""
        self._link.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        if lease.stop is not None:
            return Outcome(kind=OutcomeKind.STOPPED, stop_reason=lease.stop, detail="Stopped before it was started.")
        layout = Layout(root=self._fresh_folder(work), script_name=work.script_name)
        try:
            job = _job(work=work, layout=layout, search_path=self._search_path, deadline=lease.good_until)
            warden = self._link.warden(run_id=work.run_id, folder=layout.root)
        except CannotStart as error:
            return _not_started(error)
        except NoWarden as error:
            return Outcome(kind=OutcomeKind.NOT_STARTED, detail=str(error))
        try:
            return self._supervise(warden=warden, job=job, layout=layout, work=work, sink=sink, lease=lease)
        finally:
            warden.close()

    def _fresh_folder(self, work: Work) -> str:
        return str(self._base_folder.resolve() / f"{work.run_id}-{work.step_id}-{os.urandom(6).hex()}")

    def _supervise(
        self, *, warden: WardenHandle, job: Message, layout: Layout, work: Work, sink: OutputSink, lease: Lease
    ) -> Outcome:
        try:
            warden.channel.send(job)
        except OSError as error:  # also a time-out: without its last byte the warden starts nothing
            detail = f"The warden of the script took no job: {error}."
            return Outcome(kind=OutcomeKind.NOT_STARTED, detail=detail)
        warden.channel.connection.settimeout(None)
        slack = work.grace_seconds + self._patience_seconds
        overdue_at = boottime() + work.timeout_seconds + slack
        attempt = Attempt(warden=warden, sink=sink, lease=lease, overdue_at=overdue_at, slack=slack)
        result = attempt.follow()
        left = _read_left(layout)
        trouble = _dismiss(warden)
        if attempt.sink_failure is not None:
            raise attempt.sink_failure
        return _outcome(result=result, stop_reason=attempt.stop_reason, job=job, left=left, trouble=trouble)


def _job(*, work: Work, layout: Layout, search_path: str, deadline: float) -> Message:
    executable, arguments = command(
        interpreter=work.interpreter, script=work.script, path=layout.script, search_path=search_path
    )
    return {
        "executable": executable,
        "argv": arguments,
        "environment": _environment(work=work, layout=layout, search_path=search_path),
        "script": work.script,
        "script_name": work.script_name,
        "parameters": json.dumps(dict(work.parameters), ensure_ascii=False),
        "timeout": work.timeout_seconds,
        "grace": work.grace_seconds,
        "deadline": deadline,
    }


def _environment(*, work: Work, layout: Layout, search_path: str) -> dict[str, str]:
    """All that the script's environment holds: nothing of the worker's own."""
    return {
        "PATH": search_path,
        "HOME": layout.root,
        "TMPDIR": layout.temporary,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "OPSAAS_RUN_ID": work.run_id,
        "OPSAAS_STEP_ID": work.step_id,
        "OPSAAS_NODE": work.node,
        "OPSAAS_ATTEMPT": str(work.attempt),
        "OPSAAS_ACTOR": work.actor,
        "OPSAAS_PARAMS_FILE": layout.parameters,
        "OPSAAS_OUTPUT_FILE": layout.output,
        "OPSAAS_SUMMARY_FILE": layout.summary,
        "OPSAAS_ARTIFACTS_DIR": layout.artifacts,
        **parameter_variables(work.parameters),
    }


def _dismiss(warden: WardenHandle) -> str:
    """Lets the warden remove the folder and waits until it is gone. Returns what it could not do, for people."""
    warden.channel.send_if_there({"done": True})
    trouble = ""
    while (messages := warden.channel.receive()) is not None:
        for message in messages:
            if "not_removed" in message:
                trouble = f"The working folder could not be removed: {message['not_removed']}."
    return trouble


class _Left:
    """What the script left for us, and what was wrong with it."""

    def __init__(self) -> None:
        self.outputs: dict[str, str] = {}
        self.summary = ""
        self.complaints: list[str] = []


def _read_left(layout: Layout) -> _Left:
    left = _Left()
    try:
        parsed = outputs.parse(read_left_file(layout, layout.output, limit=outputs.LARGEST_FILE_BYTES))
        left.outputs = parsed.values
        left.complaints += parsed.complaints
    except OSError as error:
        left.complaints.append(f"The output file could not be read: {error.strerror}.")
    try:
        summary = read_left_file(layout, layout.summary, limit=LARGEST_SUMMARY_BYTES)
        left.summary = summary[:LARGEST_SUMMARY_BYTES].decode(errors="replace").replace("\0", "\ufffd")
        if len(summary) > LARGEST_SUMMARY_BYTES:
            left.complaints.append("The summary file is larger than 1 MiB: only its first 1 MiB was read.")
    except OSError as error:
        left.complaints.append(f"The summary file could not be read: {error.strerror}.")
    return left


def _outcome(
    *, result: Message | None, stop_reason: StopReason | None, job: Message, left: _Left, trouble: str
) -> Outcome:
    why = "gone" if result is None else result["result"]
    if result is None or result["left"] or why in _VANISHED:
        return _lost(why, result, stop_reason, trouble)
    if why == "not_started":
        return _not_started(explain(result["errno"], result["why"], job["executable"]), trouble)
    kinds = {"exited": OutcomeKind.EXITED, "timeout": OutcomeKind.TIMED_OUT, "stop": OutcomeKind.STOPPED}
    return Outcome(
        kind=kinds[why],
        exit_code=result["exit_code"],
        stop_reason=stop_reason if why == "stop" else None,
        detail=" ".join(filter(None, [*left.complaints, trouble])),
        outputs=left.outputs,
        summary=left.summary,
    )


def _lost(why: str, result: Message | None, stop_reason: StopReason | None, trouble: str) -> Outcome:
    if stop_reason is StopReason.LEASE_LOST and result is not None and not result["left"]:
        return Outcome(kind=OutcomeKind.STOPPED, stop_reason=stop_reason, detail=trouble)
    sentences = [_VANISHED.get(why, ""), "How far it came is unknown.", trouble]
    if result is not None and result["left"]:
        left = ", ".join(result["left"])
        sentences.insert(0, f"These processes of the script belong to another user and could not be ended: {left}.")
    return Outcome(kind=OutcomeKind.VANISHED, detail=" ".join(filter(None, sentences)))


def _not_started(error: CannotStart, trouble: str = "") -> Outcome:
    detail = " ".join(filter(None, [str(error), trouble]))
    return Outcome(kind=OutcomeKind.NOT_STARTED, exit_code=error.exit_code, detail=detail)
