"""The warden: one small process that stands over one script and outlives everything the script starts.

It is forked, not executed, from the spawner, is single-threaded, and is the subreaper of the script's whole tree. It
ends that tree when the time is over, when the worker asks, when the worker is dead (its socket closes) or paused (no
renewal by the deadline), when the spawner is gone, and when the script itself has ended but left something running.
It reports only when nothing of the tree is left, and removes the working folder before it goes.

If the warden itself is killed, the script's first process dies with it (PR_SET_PDEATHSIG) and the spawner, a
subreaper too, ends what is left and removes the folder. If spawner and warden are killed in the same moment, children
that the script put into sessions of their own can survive: nobody is left who could know them.
"""

import os
import select
import sys

from runbooks.execution import folder, processes
from runbooks.execution.birth import start_script
from runbooks.execution.channel import Channel, Job
from runbooks.execution.linux import become_subreaper, boottime, signal_at_parent_death
from runbooks.execution.title import set_title
from runbooks.execution.wakeup import SPAWNER_GONE, Wakeup

LONGEST_SLEEP_SECONDS = 5.0  # poll() does not count the time a suspended machine sleeps; deadlines do
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.25  # between two strikes against what does not die
GIVE_UP_SECONDS = 5.0  # on processes that we may not signal


def stand_over(*, channel: Channel, output: int, wakeup: Wakeup, run_id: str, root: str, spawner: int) -> None:
    """The life of a warden, from its fork to its end."""
    set_title(f"opsaas: warden {run_id}")
    os.setsid()
    become_subreaper()
    signal_at_parent_death(number=SPAWNER_GONE, parent=spawner)
    job = channel.take_job()
    if job is None or channel.is_closed():
        return  # the spawner was paused, say: by now the worker may have told that nothing was started
    channel.say("warden", os.getpid())
    if boottime() >= job.deadline:
        channel.say("ended", "deadline", -1)  # the machine was asleep, say: by now somebody may have written it off
        return
    watch = Watch(channel=channel, wakeup=wakeup, job=job)
    try:
        pid = start_script(job=job, root=root, output=output)
    except (OSError, ValueError) as error:
        channel.say("not_started", getattr(error, "errno", None) or 0, error)
    else:
        os.close(output)
        del job  # its values may be large
        watch.until_nothing_is_left(pid)
    watch.until_the_worker_is_done()
    _remove(root, channel)


class Watch:
    """Waits for the script's end, or brings it about."""

    def __init__(self, *, channel: Channel, wakeup: Wakeup, job: Job) -> None:
        self.channel = channel
        self.wakeup = wakeup
        self.timeout = job.timeout
        self.grace = job.grace
        self.deadline = job.deadline
        self.exit_code: int | None = None  # of the script's first process, once it has ended
        self.why = ""  # why the script has to end, "" while it runs by itself
        self.kill_at: float | None = None
        self.done = False  # the worker has read what the script left
        self.poll = select.poll()
        self.poll.register(channel, select.POLLIN)
        self.poll.register(wakeup, select.POLLIN)

    def until_nothing_is_left(self, pid: int) -> None:
        self.timeout_at = boottime() + self.timeout
        self.pid = pid
        self._obey(self.channel.take_early())
        left = ""
        while not left and self._reap():
            if self._time_to_kill():
                left = self._kill_all()
            else:
                self._sleep_until(min(self.timeout_at if self.kill_at is None else self.kill_at, self.deadline))
        self.channel.say("ended", self.why or "exited", -1 if self.exit_code is None else self.exit_code, left)

    def until_the_worker_is_done(self) -> None:
        """Gives the worker time to read what the script left, unless it is dead or paused."""
        while not self.done and self.why != "worker_gone":
            if boottime() >= self.deadline:
                self.channel.say("too_late")
                return
            self._sleep_until(self.deadline)

    def _reap(self) -> bool:
        """Takes leave of children that ended. False when none is left, and so no descendant either."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self.pid:
                    code = os.waitstatus_to_exitcode(status)
                    self.exit_code = code if code >= 0 else 128 - code
        except ChildProcessError:
            return False

    def _time_to_kill(self) -> bool:
        now = boottime()
        if self.wakeup.spawner_gone:
            self._end_at_once("spawner_gone")
        elif now >= self.deadline:
            self._end_at_once("deadline")
        elif now >= self.timeout_at:
            self._end_politely("timeout")
        if self.kill_at is not None:
            return now >= self.kill_at
        return self.exit_code is not None  # it ended by itself: what it left behind gets no grace

    def _end_politely(self, why: str) -> None:
        if not self.why:
            self.why = why
            self.kill_at = boottime() + self.grace
            processes.terminate(processes.descendants(processes.children(os.getpid())))

    def _end_at_once(self, why: str) -> None:
        self.why = self.why or why
        self.kill_at = 0.0

    def _sleep_until(self, moment: float) -> None:
        seconds = min(max(moment - boottime(), 0.0), LONGEST_SLEEP_SECONDS)
        for descriptor, _ in self.poll.poll(seconds * 1000 + 1):
            if descriptor == self.wakeup.fileno():
                self.wakeup.drain()
            else:
                self._listen()

    def _listen(self) -> None:
        lines = self.channel.hear()
        if lines is not None:
            self._obey(lines)
            return
        self.poll.unregister(self.channel)
        self.why = "worker_gone"
        self.kill_at = 0.0

    def _obey(self, lines: list[str]) -> None:
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "renew":
                self.deadline = float(rest)
            elif word == "stop":
                self._end_politely("stop")
            elif word == "kill":
                self._end_at_once("stop")
            elif word == "done":
                self.done = True

    def _kill_all(self) -> str:
        """Strikes until no descendant is left. Returns the names of those that we may not signal, if there are any."""
        pause = FIRST_PAUSE_SECONDS
        give_up_at = boottime() + GIVE_UP_SECONDS
        with processes.first_in_line():
            while self._reap():
                left = processes.children(os.getpid())
                if boottime() > give_up_at and not any(map(processes.may_signal, processes.descendants(left))):
                    return ", ".join(f"{processes.name(pid)} (process {pid})" for pid in left)
                processes.kill(left)
                if self._reap():
                    select.select([self.wakeup], [], [], pause)
                    self.wakeup.drain()
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return ""


def _remove(root: str, channel: Channel) -> None:
    try:
        folder.remove(root)
    except OSError as error:
        channel.say("not_removed", error)
        print(f"The working folder {root} could not be removed: {error}", file=sys.stderr)
