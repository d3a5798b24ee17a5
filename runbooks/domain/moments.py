"""Moments as values: RFC 3339 with seconds and an offset, so that they mean one instant wherever they are read."""

import re
from datetime import UTC, datetime

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_FROM_FIELD = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,6})?)?")


def instant_of(text: str) -> datetime | None:
    """The instant that TEXT names, in UTC; None where it is not in that form, or there is no such day or time."""
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def from_field(posted: str) -> str:
    """What a field of the form means, whose times are in UTC. What is not in its form stays as it was typed."""
    found = _FROM_FIELD.fullmatch(posted.strip())
    return f"{found[1]}T{found[2]}{found[3] or ':00'}Z" if found else posted


def for_field(text: str) -> str:
    """The other way round: the same instant as the field shows it; TEXT itself where it is none."""
    instant = instant_of(text)
    return instant.replace(tzinfo=None).isoformat() if instant else text
