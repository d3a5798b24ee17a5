"""How a person wants to be told. What policy demands reaches them by one way at least."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import require
from runbooks.audit.record import record
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Endpoint, NotificationChoice
from runbooks.usecases.notifications.duty import in_person

CHOSEN = "notification.chosen"
PACES = ("at_once", "hourly", "daily")
REQUESTED = ("never", "problems", "always")


def choose(
    *, actor: Actor, pace: str, requested: str, by_email: bool, endpoints: Sequence[str] = (), now: datetime
) -> None:
    """ENDPOINTS are slugs of the actor's own. Raises NotAllowed and Invalid."""
    require(in_person(actor), action=CHOSEN, thing=actor.user)
    mine = {one.slug: one for one in Endpoint.objects.filter(person=actor.user, archived_at=None)}
    problems = [
        Problem(f"/{name}", "unknown_choice", f"Choose one of {', '.join(known)}.")
        for name, given, known in [("pace", pace, PACES), ("requested", requested, REQUESTED)]
        if given not in known
    ]
    problems += [
        Problem(f"/endpoints/{index}", "unknown_endpoint", f"You have no endpoint “{slug[:64]}”.")
        for index, slug in enumerate(endpoints)
        if slug not in mine
    ]
    if not by_email and not endpoints:
        detail = "One way has to stay open: owners are told of each use of their runbooks, and rules are not silenced."
        problems.append(Problem("/by_email", "last_way", detail))
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        kept = {"pace": pace, "requested": requested, "by_email": by_email}
        row, _ = NotificationChoice.objects.update_or_create(user=actor.user, defaults=kept)
        row.endpoints.set([mine[slug] for slug in endpoints])
        details = {**kept, "endpoints": sorted(endpoints)}
        record(actor=actor, action=CHOSEN, thing=actor.user, details=details, now=now)
