"""Regular expressions of authors: RE2, whose time grows with the text and no faster, and always on the whole value."""

import re2

from runbooks.domain.problems import Problem

MAX_PATTERN_LENGTH = 500
MAX_TEXT_BYTES = 64 * 1024  # the worst pattern of that length takes half a second for it
MAX_MEMORY = 2 * 1024 * 1024  # of one compiled pattern; the library keeps the last 128


def pattern_problems(pattern: str, *, pointer: str) -> list[Problem]:
    """Why PATTERN cannot be used, if so."""
    try:
        _compiled(pattern)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        return [Problem(pointer, "bad_pattern", f"RE2 cannot read this regular expression: {said}.")]
    return []


def matches_whole(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


def found_in(pattern: str, text: str) -> bool:
    """As JSON Schema means it: somewhere in the text, with ^ and $ for its very ends."""
    return _compiled(pattern).search(text) is not None


def _compiled(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False  # what is wrong is told to the author, not to the server's standard error
    return re2.compile(pattern, options)
