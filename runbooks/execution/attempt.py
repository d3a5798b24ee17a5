"""One attempt, seen from its worker thread: bytes to the sink, the lease to the warden, until the warden reports."""

import os
import select
import signal

from runbooks.domain.ports import Lease, OutputSink, StopReason
from runbooks.execution import processes
from runbooks.execution.link import WardenHandle
from runbooks.execution.linux import boottime

READ_BYTES = 65536


class Attempt:
    """Sleeps in poll() until there is something to do; one thread, no clock ticks of its own."""

    def __init__(
        self, *, warden: WardenHandle, sink: OutputSink, lease: Lease, overdue_at: float, slack: float
    ) -> None:
        self.warden = warden
        self.sink = sink
        self.lease = lease
        self.overdue_at = overdue_at  # the warden must have reported by then, or it is not itself any more
        self.slack = slack  # how long it may take to report after a stop
        self.report = ""  # of the warden, once nothing of the script is left
        self.last_words: list[str] = []  # what it said after that
        self.stop_reason: StopReason | None = None  # as passed on to the warden
        self.sink_failure: BaseException | None = None
        self._gone = False
        self._poll = select.poll()
        os.set_blocking(warden.output, False)

    def follow(self) -> str:
        """The warden's report; "" if the warden died without one. Output may be left in the pipe then."""
        self._poll.register(self.lease.fileno(), select.POLLIN)
        self._poll.register(self.warden.output, select.POLLIN)
        self._poll.register(self.warden.channel, select.POLLIN)
        self._pass_lease_on()
        self._note(self.warden.early)
        while not self.report and not self._gone:
            self._step()
        return self.report

    def pass_rest_on(self) -> None:
        """After `follow()`: nothing of the tree is left, so what is in the pipe now is all.

        Raises what the sink raised, now or before.
        """
        while self._pass_output_on():
            pass
        if self.sink_failure is not None:
            raise self.sink_failure

    def keep_alive(self) -> None:
        """After `follow()`: the warden waits while we read what the script left, as long as the lease is good."""
        self.warden.channel.say("renew", self.lease.good_until)

    def _step(self) -> None:
        ready = {descriptor for descriptor, _ in self._poll.poll(self._patience())}
        if self.lease.fileno() in ready:
            self.lease.acknowledge()
            self._pass_lease_on()
        if self.warden.output in ready and not self._pass_output_on():
            self._poll.unregister(self.warden.output)
        if self.warden.channel.fileno() in ready:
            self._hear()
        if boottime() > self.overdue_at:
            processes.send(self.warden.pid, signal.SIGKILL)  # the spawner ends the script then
            self.overdue_at = boottime() + self.slack

    def _patience(self) -> float:
        return max(self.overdue_at - boottime(), 0.0) * 1000 + 1

    def _pass_lease_on(self) -> None:
        self.warden.channel.say("renew", self.lease.good_until)
        reason = self.lease.stop
        if reason is not None and reason is not self.stop_reason:
            self.stop_reason = reason
            self._ask_to_end("kill" if reason is StopReason.LEASE_LOST else "stop")

    def _ask_to_end(self, word: str) -> None:
        self.warden.channel.say(word)
        self.overdue_at = min(self.overdue_at, boottime() + self.slack)

    def _hear(self) -> None:
        lines = self.warden.channel.hear()
        self._gone = lines is None
        self._note(lines or [])

    def _note(self, lines: list[str]) -> None:
        for line in lines:
            if line.startswith(("ended ", "not_started ")):
                self.report = line
            else:
                self.last_words.append(line)

    def _pass_output_on(self) -> bool:
        """False when the pipe is at its end or, after the tree's end, empty."""
        try:
            data = os.read(self.warden.output, READ_BYTES)
        except BlockingIOError:
            return False
        if data and self.sink_failure is None:
            try:
                self.sink.write(data)
            except BaseException as failure:  # noqa: BLE001 (raised again, once nothing is left)
                self.sink_failure = failure
                self._ask_to_end("kill")
        return bool(data)
