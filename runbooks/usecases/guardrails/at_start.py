"""Guardrails and limits at a start: what keeps it from happening, and what is passed by breaking the glass."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from runbooks.access.actors import Actor
from runbooks.access.fetch import installation, require
from runbooks.domain.coverage import Refusal
from runbooks.domain.definition import Definition
from runbooks.domain.guardrails import decided
from runbooks.models import Grant, Installation, Runbook
from runbooks.usecases.grants.cover import Cover, Wanted, cover_of
from runbooks.usecases.guardrails.check import Start, guardrails


@dataclass(frozen=True)
class Admission:
    """The limited grant that covers the run, if it is one; what was passed by breaking the glass."""

    grant: Grant | None = None
    passed: tuple[str, ...] = ()


def covered(*, actor: Actor, runbook: Runbook, wanted: Wanted, hold: bool = False, now: datetime) -> Cover:
    """By the limits of grants. Raises NotAllowed."""
    cover = cover_of(actor=actor, runbook=runbook, wanted=wanted, hold=hold, now=now)
    require(cover.decision, action="run.requested", thing=runbook)
    return cover


def guarded(
    *, actor: Actor, runbook: Runbook, definition: Definition, house: Installation, breaks_glass: bool, now: datetime
) -> None:
    """Before anything is written. Raises NotAllowed."""
    found = _found(actor=actor, runbook=runbook, definition=definition, house=house, now=now)
    require(decided(found, breaks_glass=breaks_glass), action="run.requested", thing=runbook)


def admitted(*, actor: Actor, runbook: Runbook, definition: Definition, wanted: Wanted, now: datetime) -> Admission:
    """Inside the transaction that writes the run: what is counted can't be taken twice. Raises NotAllowed."""
    passed: list[str] = []
    if wanted.breaks_glass or definition.guardrails.rates or settings.OPSAAS_RATES:
        found = _found(actor=actor, runbook=runbook, definition=definition, house=installation(), hold=True, now=now)
        require(decided(found, breaks_glass=wanted.breaks_glass), action="run.requested", thing=runbook)
        passed += [one.sentence for one in found]
    cover = covered(actor=actor, runbook=runbook, wanted=wanted, hold=True, now=now)
    return Admission(grant=cover.grant, passed=(*passed, *cover.passed))


def _found(
    *,
    actor: Actor,
    runbook: Runbook,
    definition: Definition,
    house: Installation,
    hold: bool = False,
    now: datetime,
) -> tuple[Refusal, ...]:
    start = Start(runbook=runbook, definition=definition, house=house, requester=actor.user, trigger=actor.via)
    return guardrails(start, now=now, hold=hold)
