"""Guardrails as a pure question: facts in, refusals out."""

from datetime import UTC, datetime, timedelta

import pytest

from runbooks.domain.guardrails import Count, Each, Frozen, Rate, Stop, decided, guardrails_of, rate_of, refusals
from runbooks.domain.weekly import weekly_of

NOW = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)  # a Saturday
HOUR = timedelta(hours=1)


def frozen(**more: object) -> Frozen:
    known = {"place": "project payments", "by": "owner", "reason": "Christmas", "starts_at": NOW - HOUR}
    return Frozen(**{**known, **more})  # type: ignore[arg-type]


def said(freeze: Frozen) -> list[str]:
    return [one.sentence for one in refusals(now=NOW, freezes=[freeze])]


def test_nothing_in_the_way_refuses_nothing() -> None:
    assert decided(refusals(now=NOW))


def test_a_freeze_says_until_when_by_whom_and_why() -> None:
    assert said(frozen(ends_at=NOW + HOUR)) == [
        "A freeze of project payments is in force until 2026-11-21 14:30 UTC, by owner: Christmas."
    ]
    assert "in force until it is lifted, by owner" in said(frozen())[0]


@pytest.mark.parametrize(
    "freeze",
    [
        frozen(starts_at=NOW + HOUR),
        frozen(ends_at=NOW),
        frozen(weekly=weekly_of({"days": ["mon"]})),
        frozen(weekly=weekly_of({"days": ["sat"], "from": "14:00"})),
    ],
)
def test_outside_its_time_a_freeze_refuses_nothing(freeze: Frozen) -> None:
    assert said(freeze) == []


def test_a_freeze_of_every_week_ends_with_its_hours_or_for_good() -> None:
    weekend = weekly_of({"days": ["sat", "sun"]})
    assert "until 2026-11-23 00:00 UTC" in said(frozen(weekly=weekend))[0]
    assert "until 2026-11-21 14:30 UTC" in said(frozen(weekly=weekend, ends_at=NOW + HOUR))[0]


def test_a_rate_says_how_many_there_were_and_when_the_next_may_be() -> None:
    used = [NOW - timedelta(minutes=minutes) for minutes in (10, 30)]
    count = Count(Rate(2, HOUR), used, "of this runbook")
    assert [one.sentence for one in refusals(now=NOW, counts=[count])] == [
        "2 of 2 runs of this runbook within 1 hour; the next at 14:00 UTC."
    ]
    assert refusals(now=NOW, counts=[Count(Rate(3, HOUR), used, "")]) == ()
    assert refusals(now=NOW, counts=[Count(Rate(2, timedelta(minutes=20)), used, "")]) == ()


def test_the_glass_passes_freezes_and_rates_and_never_a_kill_switch() -> None:
    count = Count(Rate(1, HOUR), [NOW], "of this runbook")
    stop = Stop(place="project payments", by="owner", since=NOW, reason="Something is wrong")
    assert decided(refusals(now=NOW, freezes=[frozen()], counts=[count]), breaks_glass=True)
    assert not decided(refusals(now=NOW, freezes=[frozen()], counts=[count]))
    refused = decided(refusals(now=NOW, stops=[stop], freezes=[frozen()]), breaks_glass=True)
    assert refused.reasons == (
        "Runs of project payments are switched off since 2026-11-21 13:30 UTC by owner: Something is wrong.",
    )


def test_what_a_definition_says_is_read() -> None:
    policy = {"rates": [{"most": 3, "per": "1h30m"}, {"most": 1, "per": "10m", "each": "actor"}]}
    found = guardrails_of({"policy": {**policy, "break_glass": {"allow": ["group:sre"]}}})
    assert found.rates == (Rate(3, 1.5 * HOUR), Rate(1, HOUR / 6, Each.ACTOR))
    assert found.may_break == ("group:sre",)
    assert guardrails_of({}).rates == ()


@pytest.mark.parametrize("text", ["", "60", "0/1h", "60/", "60/0s", "60/1000h", "-1/1h", "60/1h/2"])
def test_a_rate_that_is_none_is_no_rate(text: str) -> None:
    assert rate_of(text, each=Each.ACTOR) is None
    assert rate_of("60/1h", each=Each.ACTOR) == Rate(60, HOUR, Each.ACTOR)
