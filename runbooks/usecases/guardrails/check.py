"""What keeps a run from starting, whoever triggers it. Asks the database nothing where no guardrail is in use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from runbooks.access.rights import described
from runbooks.domain.coverage import Refusal
from runbooks.domain.definition import Definition
from runbooks.domain.guardrails import Count, Each, Frozen, Rate, Stop, refusals
from runbooks.domain.weekly import weekly_of
from runbooks.models import Freeze, Installation, Project, Run, Runbook, User
from runbooks.queries.counted import last_times


@dataclass(frozen=True)
class Start:
    """Whose start of what is looked at. RUN is there already: of the others only those before it count."""

    runbook: Runbook
    definition: Definition
    house: Installation
    requester: User
    trigger: str
    run: Run | None = None


def guardrails(start: Start, *, now: datetime, hold: bool = False) -> tuple[Refusal, ...]:
    """HOLD, inside the transaction that writes the run: of two at once the second waits, and then sees the first."""
    if hold:
        _hold(start)
    return refusals(
        now=now,
        stops=stops_of(start.runbook),
        freezes=freezes_of(start.runbook, now=now) if start.house.has_freezes else (),
        asked_at=start.run.created_at if start.run else None,
        counts=[_count(rate, runs, start, now) for rate, runs in _rates(start)],
    )


def stops_of(runbook: Runbook) -> list[Stop]:
    return [_stop(place) for place in (runbook.project, runbook) if place.stopped_at]


def _stop(place: Project | Runbook) -> Stop:
    assert place.stopped_at
    by = place.stopped_by.username if place.stopped_by else "nobody"
    return Stop(place=described(place), by=by, since=place.stopped_at, reason=place.stop_reason or "")


def freezes_of(runbook: Runbook, *, now: datetime) -> list[Frozen]:
    """Those that are open; whether this is one of their hours they know themselves."""
    here = Q(project=None, runbook=None) | Q(project=runbook.project_id) | Q(runbook=runbook)
    lasting = Q(ends_at=None) | Q(ends_at__gt=now)
    found = Freeze.objects.filter(here, lasting, lifted_at=None, starts_at__lte=now).order_by("starts_at")
    return [frozen_of(one) for one in found.select_related("project", "runbook__project", "made_by")]


def frozen_of(freeze: Freeze) -> Frozen:
    return Frozen(
        place=described(freeze.place) if freeze.place else "the installation",
        by=freeze.made_by.username,
        reason=freeze.reason,
        starts_at=freeze.starts_at,
        ends_at=freeze.ends_at,
        weekly=weekly_of(freeze.weekly) if freeze.weekly is not None else None,
        made_at=freeze.made_at,
    )


def _rates(start: Start) -> Iterator[tuple[Rate, str]]:
    """Those of the definition count runs of this runbook, those of the installation all that are alike."""
    yield from ((rate, "here") for rate in start.definition.guardrails.rates)
    yield from ((rate, "everywhere") for rate in settings.OPSAAS_RATES)


def _count(rate: Rate, where: str, start: Start, now: datetime) -> Count:
    runs, what = Run.objects.all(), []
    if rate.each is Each.ACTOR:
        runs = runs.filter(requested_by=start.requester)
        what.append(f"by {start.requester.username}")
    if rate.each is Each.TRIGGER:
        runs = runs.filter(trigger=start.trigger)
        what.append(f"by {start.trigger}")
    if where == "here" or rate.each is Each.RUNBOOK:
        runs = runs.filter(runbook=start.runbook)
        what.insert(0, "of this runbook")
    used = last_times(runs, since=now - rate.per, most=rate.most, before=start.run)
    return Count(rate=rate, used=used, what=" ".join(what))


def _hold(start: Start) -> None:
    """In one order for all, so that no two wait for each other."""
    here: Sequence[Rate] = start.definition.guardrails.rates
    everywhere: set[Each] = {rate.each for rate in settings.OPSAAS_RATES}
    if here or Each.RUNBOOK in everywhere:
        Runbook.objects.select_for_update(no_key=True).only("pk").get(pk=start.runbook.pk)
    if Each.TRIGGER in everywhere:
        Installation.objects.select_for_update(no_key=True).only("pk").get(pk=start.house.pk)
    if Each.ACTOR in everywhere:
        User.objects.select_for_update(no_key=True).only("pk").get(pk=start.requester.pk)
