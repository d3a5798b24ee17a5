"""One attempt on a node, seen from its worker thread: bytes to the sink, the lease to the wrapper, until it reports."""

import contextlib
import os
import select
from dataclasses import dataclass

import paramiko

from runbooks.domain.ports import Lease, OutputSink, StopReason, Work
from runbooks.execution.linux import boottime
from runbooks.execution.ssh import job as ssh_job
from runbooks.execution.ssh.artifacts import Hand
from runbooks.execution.ssh.bell import Bell
from runbooks.execution.ssh.report import Report
from runbooks.execution.ssh.speech import Nonsense, Output, Speech, number

READ_BYTES = 65536
UNSENT_WAIT_SECONDS = 0.02  # there is nothing to poll for until a window opens
SHARE_TO_RENEW = 0.25  # of what is left of the lease; renewing more often would only make traffic
MOST_READS = 64  # in a row: who never stops talking must not keep us from looking at clock and lease
MOST_WORDS = 50  # that a node has to say of one script
FOREVER = float("inf")


@dataclass(frozen=True)
class Patience:
    """Seconds."""

    start: float = 60.0  # for a login shell with slow start-up files
    report: float = 30.0  # beyond timeout and grace: after that the node is given up
    silence: float = 10.0  # beyond the moment at which the node must have ended the script by itself
    hand_over: float = 1800.0  # for all artifacts together


class Attempt:
    """Sleeps in poll(); whatever goes wrong with the line ends in a report that says less."""

    def __init__(
        self,
        *,
        channel: paramiko.Channel,
        job: ssh_job.Job,
        work: Work,
        sink: OutputSink,
        lease: Lease,
        patience: Patience,
        places: tuple[str, ...],
    ) -> None:
        self.channel = channel
        self.job = job
        self.work = work
        self.sink = sink
        self.lease = lease
        self.patience = patience
        self.report = Report()
        self.sink_failure: BaseException | None = None
        token = os.urandom(16).hex()
        self._speech = Speech(token=token.encode())
        self._output = Output(token=token.encode())
        after = f"{token} given\n".encode()
        self._hand = None if work.artifacts is None else Hand(keeper=work.artifacts, line=self, after=after)
        name = f"opsaas-{work.run_id}-{os.urandom(16).hex()}"
        self._unsent = bytearray(ssh_job.opening(token=token, folder_name=name, places=places))
        self._node_clock: tuple[int, float] | None = None  # its hundredths of a second at our second
        self._stop_before: StopReason | None = None  # what was asked of us when artifacts began to come
        self._renewed_until = 0.0  # as last sent
        self._heard_until = FOREVER  # as last confirmed by the node
        self._start_by = boottime() + patience.start
        self._timeout_at = self._kill_at = self._report_by = self._hand_over_by = FOREVER
        self._runs = False
        self._asked_to_stop = self._asked_to_kill = self._over = False

    def follow(self) -> Report:
        """Returns once nothing more can come. Raises what the sink raised."""
        self._bell = Bell(self.channel)
        self._poll = select.poll()
        self._poll.register(self.lease.fileno(), select.POLLIN)
        self._poll.register(self._bell, select.POLLIN)
        try:
            while not self._over:
                self._step()
        except (OSError, EOFError, paramiko.SSHException):
            self._drain()
        finally:
            self._bell.close()
        self.report.files = self._speech.files
        self.report.complaints = self._hand.complaints if self._hand else []
        if self.sink_failure is not None:
            raise self.sink_failure
        return self.report

    def _step(self) -> None:
        self._send()
        ready = {descriptor for descriptor, _ in self._poll.poll(self._sleep_seconds() * 1000 + 1)}
        if self.lease.fileno() in ready:
            self.lease.acknowledge()
        self._heed_lease()
        self._bell.silence()
        self._listen()
        self._look_at_the_clock()

    def _sleep_seconds(self) -> float:
        if self.channel.recv_ready() or self.channel.recv_stderr_ready():
            return 0.0
        if self._unsent:
            return UNSENT_WAIT_SECONDS
        moments = (self._start_by, self._timeout_at, self._kill_at, self._report_by, self._silent_at)
        return min(max(min(moments) - boottime(), 0.0), 5.0)

    @property
    def _silent_at(self) -> float:
        return self._heard_until + self.patience.silence

    def _send(self) -> None:
        while self._unsent and self.channel.send_ready():
            sent = self.channel.send(bytes(self._unsent[:READ_BYTES]))
            del self._unsent[:sent]
        if self._node_clock is not None and not self._unsent:
            self.report.sent = True

    def _listen(self) -> None:
        ended = self.channel.eof_received or self.channel.closed
        self._hear()
        if self.channel.recv_ready():
            self._pass_on(self.channel.recv(READ_BYTES))
        elif ended and not self.channel.recv_stderr_ready():
            self._over = True  # both streams are at their end

    def _drain(self) -> None:
        """After the line broke: what had arrived counts."""
        with contextlib.suppress(OSError):
            self._hear()
        while self.channel.recv_ready():
            self._pass_on(self.channel.recv(READ_BYTES))

    def _hear(self) -> None:
        """What has come; the end of an artifact may have brought the beginning of the next one along."""
        lines: list[str] = []
        left = MOST_READS
        while lines or (left and self.channel.recv_stderr_ready()):
            self._obey(lines)
            more = b""
            if left and self.channel.recv_stderr_ready():
                left, more = left - 1, self.channel.recv_stderr(READ_BYTES)
            lines = self._speech.hear(more)

    def _obey(self, lines: list[str]) -> None:
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "hello":
                self._answer(rest)
            elif word == "running":
                self._begin_to_run()
            elif word == "renewed":
                self._heard_until = min(self._by_our_clock(number(rest)), self._renewed_until)
            elif word in {"artifact", "no_artifact"}:
                self._take_artifact(number(rest), plain=word == "artifact")
            elif word == "tighter" and len(self.report.tighter) < MOST_WORDS:
                name, _, value = rest.partition(" ")
                self.report.tighter[name] = number(value)
            elif len(self.report.words) < MOST_WORDS:
                self.report.words.append(line)
                self._begin_to_end(word)
            else:
                raise Nonsense

    def _answer(self, text: str) -> None:
        clock, _, root = text.partition(" ")
        if self._node_clock is not None:
            raise Nonsense
        self._node_clock = (number(clock), boottime())
        self._heard_until = self._renewed_until = self.lease.good_until
        self._unsent += self.job.pack(root=root, deadline=self._by_node_clock(self._renewed_until))
        self._start_by += self.patience.start
        self._timeout_at = self._start_by + self.work.timeout_seconds  # also for a node that never says it runs

    def _begin_to_run(self) -> None:
        if not self._runs:
            self._runs = True
            self._timeout_at = boottime() + self.work.timeout_seconds

    def _begin_to_end(self, word: str) -> None:
        """The script has ended; only the rest of what the node has to say is waited for."""
        self._timeout_at = self._kill_at = self._heard_until = self._start_by = FOREVER
        self._report_by = boottime() + self.patience.report
        if word in {"removed", "not_removed"} and self.report.unkillable:
            self._over = True  # what could not be ended may hold the output open for ever

    def _take_artifact(self, size: int, *, plain: bool) -> None:
        name = os.fsdecode(self._speech.files.pop("name", b""))
        now = boottime()
        if self._hand_over_by == FOREVER:
            self._hand_over_by, self._stop_before = now + self.patience.hand_over, self.lease.stop
        self._report_by = min(now + self.patience.report, self._hand_over_by)
        if self._hand is None or self.lease.stop is StopReason.LEASE_LOST:
            self.answer("enough")
        else:
            self._hand.take(name=name, size=size, plain=plain)

    def answer(self, word: str) -> None:
        self._say(word)

    def raw(self, most: int) -> bytes:
        """The next bytes of an artifact. Raises OSError when no more can come."""
        while not (data := self._speech.take(most)):
            self._send()
            if self.channel.closed or self.channel.eof_received:
                raise OSError("the connection ended")
            if boottime() > self._report_by or self.lease.stop is not self._stop_before:
                raise OSError("it took too long, or was stopped")
            self._poll.poll(100)
            self._bell.silence()
            if self.channel.recv_ready():
                self._pass_on(self.channel.recv(READ_BYTES))  # both share a window: unread, it would stay shut
            while self.channel.recv_stderr_ready():
                self._speech.feed(self.channel.recv_stderr(READ_BYTES))
        self._report_by = min(boottime() + self.patience.report, self._hand_over_by)
        return data

    def _pass_on(self, data: bytes) -> None:
        data = self._output.without_noise(data)
        if data and self.sink_failure is None:
            try:
                self.sink.write(data)
            except BaseException as failure:  # noqa: BLE001 (raised again, once nothing is left)
                self.sink_failure = failure
                self._kill()

    def _heed_lease(self) -> None:
        left = self.lease.good_until - boottime()
        if self.report.sent and self.lease.good_until - self._renewed_until > SHARE_TO_RENEW * left:
            self._renewed_until = self.lease.good_until
            self._say(f"renew {self._by_node_clock(self._renewed_until)}")
        reason = self.lease.stop
        if reason is not None and reason is not self.report.stop_reason:
            self.report.stop_reason = reason
            if reason is StopReason.LEASE_LOST:
                self._kill()
            else:
                self._stop()

    def _look_at_the_clock(self) -> None:
        now = boottime()
        if now >= self._timeout_at:
            self._timeout_at = FOREVER
            self.report.timed_out = self.report.stop_reason is None
            self._stop()
        if now >= self._kill_at:
            self._kill()
        if self.channel.exit_status_ready() and not self.report.words:
            self._kill()  # the wrapper's shell is gone before it reported; its supervisor may still be there
        if now >= self._start_by and not self.report.sent:
            self.report.late = self._over = True
        if now >= min(self._report_by, self._silent_at):
            self.report.silent = self._over = True

    def _stop(self) -> None:
        if not self.report.sent and self._node_clock is None:
            self._over = True  # nothing has been given to the node yet
        elif not self._asked_to_stop:
            self._asked_to_stop = True
            self._kill_at = min(self._kill_at, boottime() + self.work.grace_seconds)
            self._say("stop")

    def _kill(self) -> None:
        self._kill_at = FOREVER
        if not self._asked_to_kill:
            self._asked_to_kill = True
            self._report_by = min(self._report_by, boottime() + self.patience.report)
            self._say("kill")

    def _say(self, line: str) -> None:
        self._unsent += line.encode() + b"\n"

    def _by_node_clock(self, moment: float) -> int:
        """Never later than the same moment here, however long its greeting was under way."""
        assert self._node_clock is not None
        theirs, ours = self._node_clock
        return theirs + int((moment - ours) * 100)

    def _by_our_clock(self, hundredths: int) -> float:
        assert self._node_clock is not None
        theirs, ours = self._node_clock
        return ours + (hundredths - theirs) / 100
