"""Scripts on the worker's own machine."""

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from runbooks.domain.environment import parameter_document
from runbooks.domain.ports import Lease, Outcome, OutcomeKind, OutputSink, StopReason, Work
from runbooks.execution.artifacts import hand_over
from runbooks.execution.attempt import Attempt
from runbooks.execution.base import claim
from runbooks.execution.channel import Job
from runbooks.execution.containment import trial
from runbooks.execution.containment.bounds import bounds
from runbooks.execution.containment.ladder import LEVELS, Ladder, NotContained, climb
from runbooks.execution.containment.view import Sight, shows, sights
from runbooks.execution.environment import environment, given_files, paths
from runbooks.execution.folder import Layout, remove
from runbooks.execution.launch import NOT_EXECUTABLE, NOT_FOUND, CannotStart, command
from runbooks.execution.left import read_left
from runbooks.execution.link import NoWarden, SpawnerLink, WardenHandle
from runbooks.execution.linux import boottime
from runbooks.execution.recipes import WITH_A_VIEW, WITH_NAMESPACES
from runbooks.execution.verdict import not_started, outcome

DEFAULT_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_USERS = (2_000_000_000, 2_000_004_095)  # nobody else's: between those of containers and the reserved ones
LOOK_AGAIN_SECONDS = 30.0
PATIENCE_SECONDS = 30.0  # a warden that is so late with its report is no longer itself
_UNSEEN = (
    "is outside of what a script sees at the containment level full: name its folder in OPSAAS_SCRIPT_SEES, "
    "or let the definition ask for less."
)


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
        sees: Sequence[str] = (),
        users: tuple[int, int] = DEFAULT_USERS,
        recipes: Sequence[str] = tuple(LEVELS),
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._base_folder = base_folder.resolve()  # no link in it: removing refuses links
        self._search_path = search_path
        self._sees = tuple(sees)
        self._users = users
        self._recipes = recipes
        self._patience_seconds = patience_seconds
        self._ladder: Ladder | None = None
        self._seen: list[Sight] = []
        self._look_again_at = 0.0
        self._climbing = threading.Lock()
        self._starting = threading.Lock()
        self._link: SpawnerLink | None = None
        self._lock = -1

    def start(self) -> None:
        """Prepares the base folder, starts the spawner, and tries what it can keep scripts in, so that the first
        script need not wait for them."""
        self._started().start()
        self.ladder  # noqa: B018 (known from now on)

    @property
    def ladder(self) -> Ladder:
        """What this machine offers to keep scripts in. Tried once."""
        with self._climbing:
            if self._ladder is None:
                self._ladder = climb(self._try, recipes=self._recipes)
            return self._ladder

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
        try:
            recipe = self.ladder.recipe_for(work.containment)
        except NotContained as error:
            return Outcome(kind=OutcomeKind.NOT_STARTED, detail=f"The script was not started. {error}")
        return replace(self._execute_in(recipe, work=work, sink=sink, lease=lease), level=LEVELS[recipe])

    def _execute_in(self, recipe: str, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        layout = Layout(root=self._fresh_folder(work), script_name=work.script_name)
        try:
            job = self._job(recipe, work=work, layout=layout, deadline=lease.good_until)
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

    def _try(self, recipe: str) -> str:
        """What is wrong with a recipe on this machine, "" if nothing."""
        return trial.verdict(lambda work, sink, lease: self._execute_in(recipe, work=work, sink=sink, lease=lease))

    def _started(self) -> SpawnerLink:
        with self._starting:
            if self._link is None:
                self._lock = claim(self._base_folder)
                self._link = SpawnerLink(lock=self._lock)
            return self._link

    def _sights(self) -> list[Sight]:
        """Looked up again now and then: programs are installed while a worker runs."""
        now = boottime()
        if now >= self._look_again_at:
            self._seen, self._look_again_at = sights(self._sees), now + LOOK_AGAIN_SECONDS
        return self._seen

    def _fresh_folder(self, work: Work) -> str:
        return str(self._base_folder / f"{work.run_id}-{os.urandom(6).hex()}")

    def _job(self, recipe: str, *, work: Work, layout: Layout, deadline: float) -> Job:
        if work.script_name in {"", ".", ".."} or "/" in work.script_name:
            raise CannotStart(f"{work.script_name!r} can't be the name of a file.", exit_code=NOT_EXECUTABLE)
        executable, arguments = command(
            interpreter=work.interpreter, script=work.script, path=layout.script, search_path=self._search_path
        )
        if recipe in WITH_NAMESPACES and executable != layout.script and not shows(executable, sees=self._sees):
            raise CannotStart(f'The interpreter "{executable}" {_UNSEEN}', exit_code=NOT_FOUND)
        return Job(
            executable=executable,
            argv=arguments,
            environment=environment(work=work, layout=layout, search_path=self._search_path),
            script=work.script,
            script_name=work.script_name,
            parameters=parameter_document(work.parameters, paths=paths(work=work, layout=layout)),
            files=given_files(work),
            timeout=work.timeout_seconds,
            grace=work.grace_seconds,
            deadline=deadline,
            recipe=recipe,
            network=work.containment.network,
            users=self._users,
            sights=self._sights() if recipe in WITH_A_VIEW else [],
            bounds=bounds(work.containment),
        )

    def _supervise(
        self, *, warden: WardenHandle, job: Job, layout: Layout, work: Work, sink: OutputSink, lease: Lease
    ) -> Outcome:
        slack = work.grace_seconds + self._patience_seconds
        overdue_at = boottime() + work.timeout_seconds + slack
        attempt = Attempt(warden=warden, sink=sink, lease=lease, overdue_at=overdue_at, slack=slack)
        report = attempt.follow()
        left = read_left(layout)  # at once, because the warden waits for us only as long as the lease is good
        if work.artifacts is not None and report.startswith("ended ") and lease.stop is not StopReason.LEASE_LOST:
            left.complaints += hand_over(layout, keeper=work.artifacts, keep_alive=attempt.keep_alive)
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
