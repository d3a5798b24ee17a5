"""What the domain asks of the outside. Implementations live in `execution/` and `notifications/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

JsonValue = object  # None, bool, int, float, str, list or dict; checked at the edge


class StopReason(StrEnum):
    """Why an executor must end a script before its time."""

    CANCELLED = "cancelled"  # somebody asked for it
    LEASE_LOST = "lease_lost"  # another process decides about this step run now
    SHUTDOWN = "shutdown"  # the worker is going away and its drain time is over


@dataclass(frozen=True)
class Work:
    """One attempt of one step on one node: all that an executor needs to know."""

    run_id: str
    step_run_id: str
    step_id: str
    node: str  # "" stands for the worker's own machine
    attempt: int
    actor: str  # name of who asked for the run
    script: str
    script_name: str  # file name to give the script, such as "main" or "fix.mjs"
    interpreter: tuple[str, ...] | None  # argv; "{script}" stands for the path, else it comes last; None: the #! line
    parameters: Mapping[str, JsonValue]
    timeout_seconds: float
    grace_seconds: float  # between TERM and KILL


class OutcomeKind(StrEnum):
    EXITED = "exited"  # exit_code tells: 0 and up, 128+n for signal n
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"  # because of a StopReason
    NOT_STARTED = "not_started"  # the interpreter could not be executed; detail tells why
    VANISHED = "vanished"  # the warden died or the link was cut: what the script did is unknown


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. When an executor returns one, no process and no folder of the attempt is left."""

    kind: OutcomeKind
    exit_code: int | None = None
    stop_reason: StopReason | None = None
    detail: str = ""  # for people: what went wrong and where to look
    outputs: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""  # Markdown


class OutputSink(Protocol):
    """Where the bytes of a script go, in order of arrival."""

    def write(self, data: bytes) -> None:
        """Takes the next bytes. May block: that is how a slow database slows a script down."""


class Lease(Protocol):
    """The right to run one step run, for as long as it is renewed.

    The keeper of the lease renews it in the database and wakes the executor through `fileno()`; the executor passes
    `good_until` on to whatever watches over the script, so that nothing runs on when renewals stop.
    """

    @property
    def good_until(self) -> float:
        """CLOCK_BOOTTIME seconds: without a later value by then, the script must be dead (three quarters of a lease
        after the last successful renewal)."""

    @property
    def stop(self) -> StopReason | None:
        """Set once the script must end."""

    def fileno(self) -> int:
        """Readable whenever `good_until` or `stop` has changed since the last `acknowledge()`."""

    def acknowledge(self) -> None:
        """Makes `fileno()` wait for the next change."""


class Executor(Protocol):
    """Runs scripts somewhere."""

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        """Runs to the end and blocks meanwhile, without a database connection and without spinning."""


@dataclass(frozen=True)
class Message:
    """A notification, ready to be sent."""

    recipient: str  # an address in the channel's own form
    subject: str
    text: str


class Notifier(Protocol):
    """Delivers messages to people through one channel."""

    def send(self, message: Message) -> None:
        """Raises NotDelivered when the channel did not take it."""


class NotDelivered(Exception):
    """The channel did not take the message."""
