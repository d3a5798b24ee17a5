"""Scripts on the worker's own machine."""

import json
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from runbooks.domain.environment import parameter_variables
from runbooks.domain.ports import Lease, Outcome, OutcomeKind, OutputSink, Work
from runbooks.execution.attempt import Attempt
from runbooks.execution.base import claim
from runbooks.execution.channel import Job
from runbooks.execution.folder import Layout, remove
from runbooks.execution.launch import NOT_EXECUTABLE, CannotStart, command
from runbooks.execution.left import read_left
from runbooks.execution.link import NoWarden, SpawnerLink, WardenHandle
from runbooks.execution.linux import boottime
from runbooks.execution.verdict import not_started, outcome

DEFAULT_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PATIENCE_SECONDS = 30.0  # a warden that is so late with its report is no longer itself


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
        self._base_folder = base_folder.resolve()  # no link in it: removing refuses links
        self._search_path = search_path
        self._patience_seconds = patience_seconds
        self._starting = threading.Lock()
        self._link: SpawnerLink | None = None
        self._lock = -1

    def start(self) -> None:
        """Prepares the base folder and starts the spawner, so that the first script need not wait for them."""
        self._started().start()

    def stop(self) -> None:
        """Ends the spawner and every script that still runs, and waits for that."""
        with self._starting:
            if self._link is not None:
                self._link.stop()
                os.close(self._lock)
            self._link = None

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
            warden = self._started().warden(run_id=work.run_id, folder=layout.root, job=job)
        except CannotStart as error:
            return not_started(error)
        except (NoWarden, OSError) as error:
            return Outcome(kind=OutcomeKind.NOT_STARTED, detail=f"The script was not started. {error}")
        try:
            return self._supervise(warden=warden, job=job, layout=layout, work=work, sink=sink, lease=lease)
        except BaseException:
            warden.abandon()
            raise
        finally:
            warden.close()

    def _started(self) -> SpawnerLink:
        with self._starting:
            if self._link is None:
                self._lock = claim(self._base_folder)
                self._link = SpawnerLink(lock=self._lock)
            return self._link

    def _fresh_folder(self, work: Work) -> str:
        return str(self._base_folder / f"{work.run_id}-{os.urandom(6).hex()}")

    def _supervise(
        self, *, warden: WardenHandle, job: Job, layout: Layout, work: Work, sink: OutputSink, lease: Lease
    ) -> Outcome:
        slack = work.grace_seconds + self._patience_seconds
        overdue_at = boottime() + work.timeout_seconds + slack
        attempt = Attempt(warden=warden, sink=sink, lease=lease, overdue_at=overdue_at, slack=slack)
        report = attempt.follow()
        left = read_left(layout)  # at once, because the warden waits for us only as long as the lease is good
        last_words = [*attempt.last_words, *warden.dismiss()]
        if not report:
            last_words += _remove_left_folder(layout)
        attempt.pass_rest_on()
        return outcome(
            report=report, last_words=last_words, left=left, stop_reason=attempt.stop_reason, program=job.executable
        )


def _remove_left_folder(layout: Layout) -> list[str]:
    """Warden and spawner may both have been killed. Says what a warden would have said."""
    try:
        remove(layout.root)
    except OSError as error:
        return [f"not_removed {error}"]
    return []


def _job(*, work: Work, layout: Layout, search_path: str, deadline: float) -> Job:
    if work.script_name in {"", ".", ".."} or "/" in work.script_name:
        raise CannotStart(f"{work.script_name!r} can't be the name of a file.", exit_code=NOT_EXECUTABLE)
    executable, arguments = command(
        interpreter=work.interpreter, script=work.script, path=layout.script, search_path=search_path
    )
    return Job(
        executable=executable,
        argv=arguments,
        environment=_environment(work=work, layout=layout, search_path=search_path),
        script=work.script,
        script_name=work.script_name,
        parameters=json.dumps(dict(work.parameters), ensure_ascii=False),
        timeout=work.timeout_seconds,
        grace=work.grace_seconds,
        deadline=deadline,
    )


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
