"""Scripts on other machines, over SSH.

    worker thread          ssh -> ssh_attempt, over a session that ssh_pool and ssh_connect have made
      ┊ one SSH session    ssh_job is what goes there, ssh_speech what comes back, ssh_verdict what it means
      └ wrapper.sh     on the node: starts the script, watches over it, ends it, removes its folder

Nothing has to be installed on a node. The wrapper ends the script, with all that it can find of it, when it is told
to, when the connection is cut, and when no renewal of the lease has come by the deadline, which it reads from a clock
of its own.
"""

import contextlib
import os
import select
import threading
from types import TracebackType
from typing import Self

import paramiko

from runbooks.domain.containment import not_over_ssh
from runbooks.domain.ports import (
    Lease,
    NotSeen,
    Outcome,
    OutcomeKind,
    OutputSink,
    SeenHostKey,
    StopReason,
    Target,
    Work,
)
from runbooks.execution.launch import NOT_EXECUTABLE, CannotStart
from runbooks.execution.local import DEFAULT_SEARCH_PATH
from runbooks.execution.ssh import job as ssh_job
from runbooks.execution.ssh.attempt import Attempt, Patience
from runbooks.execution.ssh.connect import Timeouts, shown_key
from runbooks.execution.ssh.line import CannotConnect
from runbooks.execution.ssh.pool import IDLE_SECONDS, MOST_IDLE, MOST_SESSIONS, MOST_TUNNELS, Connection, Pool
from runbooks.execution.ssh.verdict import outcome, stopped_before
from runbooks.execution.verdict import not_started

SESSION_SECONDS = 15.0  # for a server to open a session over a connection that stands


class SshExecutor:
    """The `Executor` for work that has a `target`. One per worker process; safe to use from many threads.

    Each script holds the calling thread, asleep, and a session of a connection that scripts for the same target and
    account share. A `sink.write()` that blocks for longer than three quarters of a lease keeps renewals from the node,
    and it ends the script.
    """

    def __init__(
        self,
        *,
        search_path: str = DEFAULT_SEARCH_PATH,
        places: tuple[str, ...] = ssh_job.PLACES,
        timeouts: Timeouts | None = None,
        patience: Patience | None = None,
        idle_seconds: float = IDLE_SECONDS,
        most_idle: int = MOST_IDLE,
        most_sessions: int = MOST_SESSIONS,
    ) -> None:
        self._search_path = search_path
        self._places = places
        self._patience = patience or Patience()
        self._timeouts = timeouts or Timeouts()
        self._pool = Pool(
            timeouts=self._timeouts, most_sessions=most_sessions, idle_seconds=idle_seconds, most_idle=most_idle
        )

    def start(self) -> None:
        """Nothing is opened before it is needed."""

    def stop(self) -> None:
        """Closes every connection. The nodes end what still runs over them."""
        self._pool.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        assert work.target is not None, "work without a target is for the local executor"
        if lease.stop is not None:
            return stopped_before(lease.stop)
        try:
            _check_containment(work)
            job = ssh_job.Job(work=work, search_path=self._search_path)
        except CannotStart as error:
            return not_started(error)
        entrance = Entrance(pool=self._pool, target=work.target)
        try:
            reason = entrance.wait(lease)
            if reason is not None:
                return stopped_before(reason)
            session = entrance.session()
        except CannotConnect as failure:
            return Outcome(kind=OutcomeKind.NOT_STARTED, detail=str(failure), host_key=failure.seen)
        finally:
            entrance.leave()
        try:
            return self._supervise(session=session, job=job, work=work, sink=sink, lease=lease)
        finally:
            session.close()

    def host_key(self, target: Target) -> SeenHostKey:
        """As `KeyLooker`: a connection of its own, through shared ones to the machines on the way."""
        via = None
        try:
            via = self._pool.take(target.jump, room=MOST_TUNNELS) if target.jump is not None else None
            return shown_key(target, via=via.transport if via else None, timeouts=self._timeouts)
        except CannotConnect as failure:
            raise NotSeen(str(failure)) from None
        finally:
            if via is not None:
                self._pool.give_back(via)

    def _supervise(
        self, *, session: "Session", job: ssh_job.Job, work: Work, sink: OutputSink, lease: Lease
    ) -> Outcome:
        attempt = Attempt(
            channel=session.channel,
            job=job,
            work=work,
            sink=sink,
            lease=lease,
            patience=self._patience,
            places=self._places,
        )
        try:
            report = attempt.follow()
        except CannotStart as error:
            return not_started(error)
        if report.silent:
            session.spoiled = True
        return outcome(report, node=work.target.name if work.target else "", program=job.program)


class Session:
    """One channel in which the wrapper waits for its job."""

    def __init__(self, *, pool: Pool, connection: Connection, channel: paramiko.Channel) -> None:
        self.channel = channel
        self.spoiled = False  # the connection does not answer any more
        self._pool = pool
        self._connection = connection

    def close(self) -> None:
        """To the wrapper that means: end the script, if it is still there."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self.channel.close()
        if self.spoiled:
            self._pool.retire(self._connection)
        self._pool.give_back(self._connection, sessions=1)


class Entrance:
    """Opens a session in a thread of its own, so that whoever waits for it can still be stopped.

    Who does not wait any longer leaves; a session that opens after that is closed again, unused.
    """

    def __init__(self, *, pool: Pool, target: Target) -> None:
        self._pool = pool
        self._target = target
        self._opened = os.eventfd(0, os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._abandoned = False
        self._session: Session | None = None
        self._failure: BaseException | None = None
        threading.Thread(target=self._run, name=f"opsaas-ssh-{target.name}", daemon=True).start()

    def wait(self, lease: Lease) -> StopReason | None:
        """Until there is a session or a failure, or a reason not to wait for it."""
        poll = select.poll()
        poll.register(self._opened, select.POLLIN)
        poll.register(lease.fileno(), select.POLLIN)
        while lease.stop is None:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._opened in ready:
                return None
            lease.acknowledge()
        return lease.stop

    def session(self) -> Session:
        """After `wait()`. It is the caller's to close. Raises CannotConnect."""
        session, self._session = self._session, None
        if session is None:
            raise self._failure or CannotConnect("The session was not opened.")
        return session

    def leave(self) -> None:
        with self._lock:
            self._abandoned = True
            os.close(self._opened)
            if self._session is not None:
                self._session.close()

    def _run(self) -> None:
        session: Session | None = None
        failure: BaseException | None = None
        try:
            session = open_session(self._pool, self._target)
        except Exception as error:  # noqa: BLE001 (raised again in the thread that waits)
            failure = error
        with self._lock:
            if not self._abandoned:
                self._session, self._failure = session, failure
                os.eventfd_write(self._opened, 1)
                return
        if session is not None:
            session.close()


def open_session(pool: Pool, target: Target) -> Session:
    """Over a connection that stands, or else over a new one. Until the job is sent, trying again does no harm."""
    for last in (False, False, True):
        connection, opened = pool.take(target), 0
        try:
            channel = connection.transport.open_session(timeout=SESSION_SECONDS)
            pool.opened(connection)
            opened = 1
            channel.exec_command(ssh_job.COMMAND)
            return Session(pool=pool, connection=connection, channel=channel)
        except (OSError, EOFError, paramiko.SSHException) as error:
            trouble = f"opens no session: {str(error).rstrip('.') or type(error).__name__}"
            if connection.usable and "Timeout" not in trouble:
                pool.full(connection)  # refused; where several are at once, paramiko tells only one of them so
            else:
                pool.retire(connection)
        pool.give_back(connection, sessions=opened)
        if last:
            break
    raise CannotConnect(f"{target.name} ({target.host}, port {target.port}) {trouble}.")


def _check_containment(work: Work) -> None:
    sentence = not_over_ssh(work.containment)
    if sentence is not None:
        raise CannotStart(sentence, exit_code=NOT_EXECUTABLE)
