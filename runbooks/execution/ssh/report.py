"""What became of one attempt on a node."""

from dataclasses import dataclass, field

from runbooks.domain.ports import StopReason


@dataclass
class Report:
    """What became of it, as far as the node could tell."""

    words: list[str] = field(default_factory=list)  # lines as `ssh_speech` has them
    files: dict[str, bytes] = field(default_factory=dict)
    tighter: dict[str, int] = field(default_factory=dict)  # limits that the node itself had set lower
    complaints: list[str] = field(default_factory=list)  # about artifacts
    sent: bool = False  # the whole job: from then on the script may have been started
    stop_reason: StopReason | None = None
    timed_out: bool = False
    silent: bool = False  # given up, because nothing was heard any more
    late: bool = False  # the node never answered at all

    @property
    def unkillable(self) -> str:
        """What could not be ended, for people; mostly nothing."""
        return " ".join((self.word("ended") or "").split(" ")[2:])

    def word(self, first: str) -> str | None:
        """The rest of the line that begins with it."""
        return next((line.partition(" ")[2] for line in self.words if line.partition(" ")[0] == first), None)
