"""What is wrong with something that somebody sent: one problem per field, all of them told at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

MOST_PROBLEMS = 50  # nobody reads more, and a hostile body must not make a large answer


@dataclass(frozen=True)
class Problem:
    """One field that cannot be accepted."""

    pointer: str  # RFC 6901, such as "/spec/steps/0/timeout"; "" is the whole document
    code: str  # stable, for programs
    detail: str  # a sentence, for people


class Invalid(ValueError):
    """What was sent cannot be accepted."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(islice(problems, MOST_PROBLEMS))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(f"{problem.pointer or 'the document'}: {problem.detail}" for problem in self.problems)


def pointer_to(*tokens: str | int) -> str:
    """The JSON pointer of a field, always printable: a key that cannot be encoded is shown with its escapes."""
    return "".join("/" + printable(str(token)).replace("~", "~0").replace("/", "~1") for token in tokens)


def printable(text: str) -> str:
    """TEXT in a form that every answer can carry: lone surrogates and NUL as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\u0000")


def shown(text: str, *, most: int = 60) -> str:
    """TEXT for the middle of a sentence: printable, quoted and not too long."""
    return f'"{printable(text[:most])}{"…" if len(text) > most else ""}"'
