"""Hours of the week in a zone, such as Monday to Friday from 09:00 to 17:00 in Berlin: of grants and of freezes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from runbooks.domain.problems import Problem

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIELDS = ("days", "from", "to", "zone")
MIDNIGHT = "24:00"
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Weekly:
    """On DAYS, from START until END; where END is not after START it is of the next day."""

    days: tuple[str, ...]  # in their order
    start: str = "00:00"
    end: str = MIDNIGHT
    zone: str = "UTC"

    def holds(self, now: datetime) -> bool:
        return any(begin <= now < end for begin, end in self._around(now))

    def end_of(self, now: datetime) -> datetime | None:
        """When the hours end that NOW is in; those that follow without a gap belong to them."""
        end = None
        for begin, until in self._around(now, days=9):
            if begin <= (end or now) < until:
                end = until
        return end

    def next_begin(self, now: datetime) -> datetime | None:
        return next((begin for begin, _ in self._around(now, days=9) if begin > now), None)

    def _around(self, now: datetime, *, days: int = 1) -> Iterator[tuple[datetime, datetime]]:
        """The windows that begin from yesterday on, in their order, as moments."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        for offset in range(-1, days):
            day = today + timedelta(days=offset)
            if DAYS[day.weekday()] in self.days:
                last = day if self.end > self.start else day + timedelta(days=1)
                yield self._moment(day, self.start), self._moment(last, self.end)

    def _moment(self, day: date, clock: str) -> datetime:
        if clock == MIDNIGHT:
            day, clock = day + timedelta(days=1), "00:00"
        return datetime.combine(day, time.fromisoformat(clock), tzinfo=ZoneInfo(self.zone))

    def words(self) -> str:
        """ "Mon to Fri 09:00 to 17:00 Europe/Berlin"."""
        clock = "" if (self.start, self.end) == ("00:00", MIDNIGHT) else f" {self.start} to {self.end}"
        return f"{_days_in_words(self.days)}{clock} {self.zone}"

    def shown(self, moment: datetime) -> str:
        """ "Mon 2026-11-23 09:00", as clocks there show it."""
        there = moment.astimezone(ZoneInfo(self.zone))
        return f"{DAYS[there.weekday()].title()} {there:%Y-%m-%d %H:%M}"

    def as_json(self) -> dict[str, Any]:
        return {"days": list(self.days), "from": self.start, "to": self.end, "zone": self.zone}

    def within(self, other: "Weekly") -> bool:
        """Whether OTHER holds whenever this does; no where it can't be told."""
        if self.zone != other.zone or not set(self.days) <= set(other.days):
            return False
        if (other.start, other.end) == ("00:00", MIDNIGHT) and self.end > self.start:
            return True
        same_night = (self.end > self.start) == (other.end > other.start)
        return same_night and self.start >= other.start and self.end <= other.end


def weekly_of(fields: Mapping[str, Any]) -> Weekly:
    """FIELDS are sound: see `weekly_problems`."""
    days = tuple(day for day in DAYS if day in fields.get("days", DAYS))
    return Weekly(days, fields.get("from", "00:00"), fields.get("to", MIDNIGHT), fields.get("zone", "UTC"))


def weekly_problems(fields: object, *, pointer: str) -> Iterator[Problem]:
    if not isinstance(fields, Mapping):
        yield Problem(pointer, "wrong_type", "Give an object of days, from, to and zone.")
        return
    for name in fields:
        if name not in FIELDS:
            yield Problem(f"{pointer}/{name}", "unknown_field", f"There are {', '.join(FIELDS)}.")
    days = fields.get("days", list(DAYS))
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        yield Problem(f"{pointer}/days", "invalid_days", f"Give a list of at least one of {', '.join(DAYS)}.")
    for name, most in (("from", "23:59"), ("to", MIDNIGHT)):
        clock = fields.get(name, "00:00")
        if not isinstance(clock, str) or not (_TIME.fullmatch(clock) or clock == most):
            yield Problem(f"{pointer}/{name}", "invalid_time", f"Give a time from 00:00 to {most}.")
    if not _is_zone(fields.get("zone", "UTC")):
        yield Problem(f"{pointer}/zone", "unknown_zone", "Give the name of a time zone such as Europe/Berlin or UTC.")


def _is_zone(name: object) -> bool:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_+/-]{0,50}", name):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _days_in_words(days: tuple[str, ...]) -> str:
    """Three or more that follow each other are a range."""
    if len(days) == len(DAYS):
        return "every day"
    numbers, parts = [DAYS.index(day) for day in days], []
    while numbers:
        length = next((n for n in range(1, len(numbers)) if numbers[n] != numbers[0] + n), len(numbers))
        group, numbers = [DAYS[number].title() for number in numbers[:length]], numbers[length:]
        parts.append(f"{group[0]} to {group[-1]}" if len(group) > 2 else ", ".join(group))
    return ", ".join(parts)
