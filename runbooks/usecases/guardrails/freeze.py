"""Freezes: times in which nothing starts, whoever triggers."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.audit.record import record
from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.weekly import weekly_of, weekly_problems
from runbooks.models import INSTALLATION_ID, Freeze, Installation, Project, Runbook
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.guardrails.places import Guarded, require_may_guard
from runbooks.usecases.reasons import checked_reason


def freeze(
    *,
    actor: Actor,
    place: Guarded,
    reason: str,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    weekly: Mapping[str, object] | None = None,
    now: datetime,
) -> Freeze:
    """Without a beginning from now on, without an end until it is lifted. Raises NotAllowed and Invalid."""
    require_may_guard(actor=actor, place=place, action="freeze.created", now=now)
    reason, starts_at = checked_reason(reason), starts_at or now
    problems = list(weekly_problems(weekly, pointer="/weekly")) if weekly is not None else []
    if ends_at and ends_at <= max(starts_at, now):
        problems.append(Problem("/ends_at", "in_the_past", "The freeze would have ended before it begins, or already."))
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        Installation.objects.filter(pk=INSTALLATION_ID).update(has_freezes=True)
        made = Freeze.objects.create(
            project=place if isinstance(place, Project) else None,
            runbook=place if isinstance(place, Runbook) else None,
            reason=reason,
            starts_at=starts_at,
            ends_at=ends_at,
            weekly=weekly_of(weekly).as_json() if weekly is not None else None,
            made_by=actor.user,
        )
        details = {
            "object": made.object_name,
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat() if ends_at else None,
            "weekly": made.weekly,
        }
        record(actor=actor, action="freeze.created", thing=made, reason=reason, details=details, now=now)
    return made


def lift(*, actor: Actor, freeze: Freeze, reason: str = "", now: datetime) -> None:
    """Raises NotAllowed and Conflict."""
    place = freeze.place or Installation(pk=INSTALLATION_ID)
    require_may_guard(actor=actor, place=place, action="freeze.lifted", now=now)
    with transaction.atomic():
        if not Freeze.objects.filter(pk=freeze.pk, lifted_at=None).update(lifted_at=now, lifted_by=actor.user):
            raise Conflict("This freeze was lifted already.", code="already_lifted")
        record(actor=actor, action="freeze.lifted", thing=freeze, reason=reason, now=now)
        house = Installation.objects.select_for_update().get(pk=INSTALLATION_ID)
        house.has_freezes = Freeze.objects.filter(lifted_at=None).exists()
        house.save(update_fields=["has_freezes"])
