"""When a signed-in session is over: a while after its last use, and in any case some hours after it began."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

SINCE, SEEN = "since", "seen"  # seconds since 1970
NOTED_EVERY = 300.0  # a use within that time after another is not written down


def has_ended(session: Mapping[str, Any], *, now: datetime) -> bool:
    moment = now.timestamp()
    since, seen = float(session.get(SINCE, moment)), float(session.get(SEEN, moment))
    return moment - since >= settings.SESSION_COOKIE_AGE or moment - seen >= settings.OPSAAS_SESSION_IDLE_SECONDS


def to_note(session: Mapping[str, Any], *, now: datetime) -> dict[str, float]:
    """What to write into it after a use of it; mostly nothing."""
    moment = now.timestamp()
    if moment - float(session.get(SEEN, 0.0)) < NOTED_EVERY:
        return {}
    return {SINCE: float(session.get(SINCE, moment)), SEEN: moment}
