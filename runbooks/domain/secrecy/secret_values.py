"""What may be kept as a secret, and how definitions name one."""

import re

from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.syntax.json_tree import check_text

SHORTEST_BYTES = 4  # masking anything shorter would black out the whole log
LONGEST_BYTES = 64 * 1024  # an environment takes no more than twice that
MOST_LINES = 1000  # each is masked by itself
PATH = re.compile(r"[a-z0-9][a-z0-9-]{0,63}/[a-z0-9][a-z0-9-]{0,63}")


def require_value(value: str, *, pointer: str) -> None:
    if problems := value_problems(value, pointer=pointer):
        raise Invalid(problems)


def value_problems(value: str, *, pointer: str) -> list[Problem]:
    """Never repeats the value."""
    if bad := check_text(value, pointer=pointer):
        return bad
    size = len(value.strip().encode())
    if size < SHORTEST_BYTES:
        detail = f"A secret needs at least {SHORTEST_BYTES} bytes: a shorter one could not be kept out of the output."
        return [Problem(pointer, "too_short", detail)]
    if len(value.encode()) > LONGEST_BYTES:
        return [Problem(pointer, "too_long", f"A secret may have at most {LONGEST_BYTES:,} bytes.")]
    if value.count("\n") >= MOST_LINES:
        return [Problem(pointer, "too_long", f"A secret may have at most {MOST_LINES:,} lines.")]
    return []
