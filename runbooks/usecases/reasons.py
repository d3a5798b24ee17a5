"""The reason that acts ask for which stop others."""

from runbooks.domain.problems import Invalid, Problem

MOST_CHARACTERS = 2000


def checked_reason(reason: str) -> str:
    """Raises Invalid."""
    reason = reason.strip()
    if not reason:
        raise Invalid([Problem("/reason", "required", "Say why: everybody who is stopped by it will ask.")])
    if len(reason) > MOST_CHARACTERS:
        raise Invalid([Problem("/reason", "too_long", f"Keep the reason under {MOST_CHARACTERS} characters.")])
    return reason
