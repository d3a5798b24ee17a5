"""Guardrails, which bind whoever triggers: stops, freezes and rates. Facts in, refusals with their reasons out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from runbooks.domain.coverage import Refusal, clock
from runbooks.domain.durations import seconds_of
from runbooks.domain.policy import Decision, unless
from runbooks.domain.problems import Problem
from runbooks.domain.weekly import Weekly

LONGEST = timedelta(days=31)
MOST_RUNS = 100_000
_RATE = re.compile(r"([1-9][0-9]{0,5})/((?:[0-9]{1,5}[hms]){1,3})")


class Each(StrEnum):
    """Whose runs a rate counts together."""

    RUNBOOK = "runbook"
    ACTOR = "actor"
    TRIGGER = "trigger"


@dataclass(frozen=True)
class Rate:
    """At most so many runs within any such time."""

    most: int
    per: timedelta
    each: Each = Each.RUNBOOK


@dataclass(frozen=True)
class Guardrails:
    """What a definition says: how often it may start, and who may break the glass ("group:sre", "user:olga")."""

    rates: tuple[Rate, ...] = ()
    may_break: tuple[str, ...] = ()


NO_GUARDRAILS = Guardrails()


@dataclass(frozen=True)
class Stop:
    """A kill switch that is off."""

    place: str
    by: str
    since: datetime
    reason: str


@dataclass(frozen=True)
class Frozen:
    place: str
    by: str
    reason: str
    starts_at: datetime
    ends_at: datetime | None = None  # None: until it is lifted
    weekly: Weekly | None = None  # only in these hours
    made_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        open_now = self.starts_at <= now and (self.ends_at is None or now < self.ends_at)
        return open_now and (self.weekly is None or self.weekly.holds(now))

    def until(self, now: datetime) -> datetime | None:
        """When it ends that holds NOW; None: when somebody lifts it."""
        this_time = self.weekly.end_of(now) if self.weekly else None
        return min((one for one in (this_time, self.ends_at) if one), default=None)


@dataclass(frozen=True)
class Count:
    """How often that happened which a rate limits, and what that was, as "of this runbook"."""

    rate: Rate
    used: Sequence[datetime]  # the last first
    what: str


def refusals(
    *,
    now: datetime,
    stops: Sequence[Stop] = (),
    freezes: Sequence[Frozen] = (),
    counts: Sequence[Count] = (),
    asked_at: datetime | None = None,
) -> tuple[Refusal, ...]:
    """Freezes and rates pass with the time, and so for who breaks the glass; a kill switch does not, nor does a freeze
    that was made after the run was asked for, at ASKED_AT: nobody has passed that one."""
    return (
        *(Refusal(stop_sentence(stop)) for stop in stops),
        *(Refusal(freeze_sentence(one, now), passes=_was_there(one, asked_at)) for one in freezes if one.holds(now)),
        *(Refusal(sentence, passes=True) for count in counts for sentence in _too_many(count, now)),
    )


def _was_there(freeze: Frozen, asked_at: datetime | None) -> bool:
    return asked_at is None or freeze.made_at is None or freeze.made_at <= asked_at


def decided(found: Sequence[Refusal], *, breaks_glass: bool = False) -> Decision:
    return unless(*(one.sentence for one in found if not (breaks_glass and one.passes)))


def stop_sentence(stop: Stop) -> str:
    since = f"{stop.since:%Y-%m-%d %H:%M} UTC"
    return f"Runs of {stop.place} are switched off since {since} by {stop.by}: {_ended(stop.reason)}"


def freeze_sentence(frozen: Frozen, now: datetime) -> str:
    until = frozen.until(now)
    end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until it is lifted"
    return f"A freeze of {frozen.place} is in force {end}, by {frozen.by}: {_ended(frozen.reason)}"


def rate_of(text: str, *, each: Each) -> Rate | None:
    """ "60/1h". None for what is no rate."""
    found = _RATE.fullmatch(text)
    per = timedelta(seconds=seconds_of(found[2])) if found else timedelta(0)
    return Rate(int(found[1]), per, each) if found and timedelta(0) < per <= LONGEST else None


def guardrails_of(spec: Mapping[str, Any]) -> Guardrails:
    """SPEC has been found sound."""
    policy = spec.get("policy", {})
    rates = tuple(
        Rate(int(one["most"]), timedelta(seconds=seconds_of(one["per"])), Each(one.get("each", Each.RUNBOOK)))
        for one in policy.get("rates", ())
    )
    return Guardrails(rates=rates, may_break=tuple(policy.get("break_glass", {}).get("allow", ())))


def stricter(one: Guardrails, other: Guardrails) -> Guardrails:
    """The rates of both; the glass is for whom both name."""
    return Guardrails(
        rates=tuple(dict.fromkeys((*one.rates, *other.rates))),
        may_break=tuple(name for name in one.may_break if name in other.may_break),
    )


def guardrail_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What the schema can't say."""
    for index, one in enumerate(spec.get("policy", {}).get("rates", ())):
        pointer = f"/spec/policy/rates/{index}"
        if not 1 <= one["most"] <= MOST_RUNS:
            yield Problem(f"{pointer}/most", "out_of_range", f"Give 1 to {MOST_RUNS:,}.")
        if not 0 < seconds_of(one["per"]) <= LONGEST.total_seconds():
            yield Problem(f"{pointer}/per", "out_of_range", "Give 1s to 744h.")


def in_words(rate: Rate) -> str:
    words = {Each.RUNBOOK: "", Each.ACTOR: " by each actor", Each.TRIGGER: " by each trigger"}[rate.each]
    return f"at most {rate.most} within {_length(rate.per)}{words}"


def _too_many(count: Count, now: datetime) -> Iterator[str]:
    found = [moment for moment in count.used if moment > now - count.rate.per]
    if len(found) >= count.rate.most:
        again = clock(found[count.rate.most - 1] + count.rate.per, now)
        had = f"{len(found)} of {count.rate.most} runs {count.what}"
        yield f"{had} within {_length(count.rate.per)}; the next at {again}."


def _length(per: timedelta) -> str:
    seconds = int(per.total_seconds())
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % unit == 0:
            number = seconds // unit
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{seconds} seconds"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
