"""What the domain asks of the outside. Implementations live in `execution/` and `notifications/`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

JsonValue = object  # None, bool, int, float, str, list or dict; checked at the edge


class StopReason(StrEnum):
    """Why an executor must end a script before its time."""

    CANCELLED = "cancelled"  # somebody asked for it
    LEASE_LOST = "lease_lost"  # another process decides about this step run now
    SHUTDOWN = "shutdown"  # the worker is going away and its drain time is over


class Level(StrEnum):
    """How well a script is kept from the rest of its machine, weakest first."""

    HOST = "host"  # an ordinary process of the worker's own user
    PROCESS = "process"  # limits, and no sight of the app's files or other runs, but the machine's own processes
    FULL = "full"  # namespaces of its own: sees nothing of the machine but what every program may read


@dataclass(frozen=True)
class Containment:
    """What a script is kept within. A limit of None is not set."""

    level: Level | None = None  # None: the strongest there is; else this or, where it is not to be had, the next above
    least: Level | None = None  # what is weaker is never taken: the script is not started
    network: bool = True
    memory_bytes: int | None = None
    processes: int | None = None
    open_files: int | None = None
    file_bytes: int | None = None
    cpu_seconds: int | None = None


@dataclass(frozen=True)
class Target:
    """A machine to reach over SSH, and all that is needed for it. Secrets are in it: never log or store one."""

    name: str
    host: str
    port: int
    user: str
    host_keys: tuple[str, ...]  # pinned, as "ssh-ed25519 AAAA…"; any other is refused
    private_key: str = field(default="", repr=False)  # in OpenSSH or PEM form
    password: str = field(default="", repr=False)  # of the account or, beside a private key, of the key
    jump: "Target | None" = None


@dataclass(frozen=True)
class GivenFile:
    """A file that was given as a parameter's value."""

    name: str  # a plain file name, as it was given
    data: bytes = field(repr=False)


class ArtifactKeeper(Protocol):
    """Keeps what a script left in OPSAAS_ARTIFACTS_DIR."""

    def keep(self, *, name: str, size: int, pieces: Iterable[bytes]) -> str:
        """Takes one regular file; its NAME is the path below the folder, in whatever characters the script chose.

        Answers "", or a sentence that says why it is not kept. Fails rather than to keep half of it.
        """


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
    containment: Containment = Containment()
    target: Target | None = None  # None: the worker's own machine
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # environment name to value
    secret_files: Mapping[str, str] = field(default_factory=dict, repr=False)  # environment name to a file's content;
    # outputs of steps before come in this way too
    files: Mapping[str, GivenFile] = field(default_factory=dict)  # by parameter; its variable holds the file's path
    artifacts: ArtifactKeeper | None = field(default=None, repr=False, compare=False)  # None: nothing is kept


class OutcomeKind(StrEnum):
    EXITED = "exited"  # exit_code tells: 0 and up, 128+n for signal n
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"  # because of a StopReason
    NOT_STARTED = "not_started"  # the interpreter could not be executed; detail tells why
    VANISHED = "vanished"  # the warden died or the link was cut: what the script did is unknown


@dataclass(frozen=True)
class SeenHostKey:
    """A key that a machine showed and that is not among its pinned ones: for a person to compare and accept."""

    name: str  # of the target, or of the jump host on the way to it
    host: str
    port: int
    key: str  # as "ssh-ed25519 AAAA…"
    fingerprint: str  # as "SHA256:…"


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. When an executor returns one, no process and no folder of the attempt is left."""

    kind: OutcomeKind
    exit_code: int | None = None
    stop_reason: StopReason | None = None
    detail: str = ""  # for people: what went wrong and where to look
    outputs: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""  # Markdown
    level: Level | None = None  # of containment, that was in force
    limits: Mapping[str, int] = field(default_factory=dict)  # of `Containment`, where they were tighter than asked for
    host_key: SeenHostKey | None = None  # why a node was not trusted


class NotSeen(Exception):
    """A machine could not be asked for its host key; the text says why, for people."""


class KeyLooker(Protocol):
    """Goes to see which host key a machine shows."""

    def host_key(self, target: Target) -> SeenHostKey:
        """Signs in to the machines on the way, which have to be known, and not to the target. Raises NotSeen."""


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


class NoSecret(Exception):
    """A secret can't be read now; the text says why, for people, and never holds a value."""


class Secrets(Protocol):
    """Where the values of secrets are kept. Only a worker that is about to start a step reads any."""

    def read(self, path: str) -> str:
        """The value of "project/slug" as it is now. Raises NoSecret."""

    def given(self, run_id: str, seals: Mapping[str, str]) -> Mapping[str, str]:
        """The values that somebody gave for this run's secret parameters, by name: those that the plan's SEALS name.
        Raises NoSecret where one is gone or is another."""


class Executor(Protocol):
    """Runs scripts somewhere."""

    def execute(self, *, work: Work, sink: OutputSink, lease: Lease) -> Outcome:
        """Runs to the end and blocks meanwhile, without a database connection and without spinning."""


@dataclass(frozen=True)
class Message:
    """A notification, ready to be sent."""

    recipient: str  # an address in the channel's own form
    subject: str  # who did what, in one line
    text: str
    id: str = ""  # stays the same however often it is sent
    link: str = ""  # where to see what it tells of
    facts: Mapping[str, JsonValue] = field(default_factory=dict)  # the same for programs
    secret: str = field(default="", repr=False)  # to sign with


@dataclass(frozen=True)
class Receipt:
    """What a channel said when it took a message."""

    code: int | None = None
    said: str = ""


class Notifier(Protocol):
    """Delivers messages to people through one channel."""

    def send(self, message: Message) -> Receipt:
        """Raises NotDelivered when the channel did not take it."""


class NotDelivered(Exception):
    """The channel did not take the message."""

    def __init__(self, why: str = "", *, code: int | None = None, said: str = "", for_good: bool = False) -> None:
        super().__init__(why)
        self.code, self.said = code, said
        self.for_good = for_good  # trying again is of no use


class EndpointSecrets(Protocol):
    """Where the secrets of endpoints are kept. Only what sends messages reads any."""

    def of(self, endpoint_id: str) -> str:
        """What to sign with, or the address itself. Raises NoSecret."""


@dataclass(frozen=True)
class Answer:
    """What a server answered; a long BODY is cut."""

    status: int
    body: bytes = field(default=b"", repr=False)


class Outgoing(Protocol):
    """HTTP calls to addresses that people gave: never to a private address that the installation does not allow."""

    def call(self, *, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Follows no redirect. Raises NotReached, and AddressRefused for what is not called at all."""


class NotReached(Exception):
    """No answer came; for people, and without the address's path, which may be a secret."""


class AddressRefused(NotReached):
    """Nothing was sent: the address is not one that opsaas calls."""


class Storage(Protocol):
    """Large things by key, such as sealed output: a folder, or objects of a cloud. Keys are relative paths.

    Every method raises NotStored where it can't do what was asked.
    """

    def put(self, key: str, pieces: Iterable[bytes]) -> None:
        """Whole or not at all; when it returns, a power cut does not take it away. A key is put once."""

    def open_range(self, key: str, start: int, length: int) -> bytes:
        """Exactly LENGTH bytes from START on."""

    def delete(self, key: str) -> None:
        """What is not there is fine."""

    def stored(self) -> Iterator[tuple[str, float]]:
        """Each key with the time at which it was put, in seconds since 1970."""


class NotStored(Exception):
    """It could not be kept or read; for people: what to look at."""


class NothingThere(NotStored):
    """The storage is in order, but what was asked for is not, or not wholly, in it."""
