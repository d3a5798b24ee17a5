"""How a command ends badly: one exception, and the exit codes of the contract."""

ERROR = 1
USAGE = 2
CHANGES = 2  # of `plan`: there is something to apply
NOT_SIGNED_IN = 4

# Only where a run is followed; codes up to 123 are the script's own there.
HIGHEST_OF_SCRIPT = 123
TIMED_OUT = 124
OPSAAS_FAILED = 125
NOT_ALLOWED = 126
NOT_FOUND = 127
INTERRUPTED = 130


class Failure(Exception):
    """Ends the command: the text goes to standard error as it is, the code to the shell."""

    def __init__(self, text: str, *, exit_code: int = ERROR) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Unreachable(Failure):
    """The server did not answer, or stopped answering half-way: trying again may help."""


def usage(text: str) -> Failure:
    """What was typed cannot be meant."""
    return Failure(text, exit_code=USAGE)
