"""Legal holds: placed by one who audits the installation, lifted by another."""

from datetime import datetime

from django.db import transaction

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, installation, require, require_right
from runbooks.audit.record import Ref, record
from runbooks.audit.retire import LOCK
from runbooks.audit.sequence import one_at_a_time
from runbooks.domain.policy import YES, no
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import AuditHold, Project
from runbooks.usecases.conflict import Conflict

PLACED, LIFTED = "audit.hold_placed", "audit.hold_lifted"


def place_hold(*, actor: Actor, project: str, reason: str, now: datetime) -> AuditHold:
    """On the events of PROJECT, by its slug, or on all. Raises NotAllowed, Hidden and Invalid."""
    require_right(actor=actor, right="audit", place=installation(), action=PLACED, now=now)
    if not reason.strip():
        raise Invalid([Problem("/reason", "required", "Say why, for those who will ask later.")])
    found = Project.objects.filter(slug=project).first() if project else None
    if project and found is None:
        raise Hidden(action=PLACED, kind="project", name=project)
    with transaction.atomic():
        one_at_a_time(LOCK)  # after a retention that is going on
        hold = AuditHold.objects.create(
            project_id=str(found.pk) if found else "",
            project_name=project,
            reason=reason,
            placed_by_id=_person(actor),
            placed_by=actor.name,
            placed_at=now,
        )
        record(actor=actor, action=PLACED, thing=_ref(hold), reason=reason, now=now)
    return hold


def lift_hold(*, actor: Actor, hold_id: str, reason: str, now: datetime) -> AuditHold:
    """Raises NotAllowed for who placed it, Hidden and Conflict."""
    require_right(actor=actor, right="audit", place=installation(), action=LIFTED, now=now)
    key = as_uuid(hold_id)
    hold = AuditHold.objects.filter(pk=key).first() if key else None
    if hold is None:
        raise Hidden(action=LIFTED, kind="hold", name=hold_id)
    refusal = no("Who placed a hold does not lift it: ask another auditor.")
    require(refusal if hold.placed_by_id == _person(actor) else YES, action=LIFTED, thing=_ref(hold))
    with transaction.atomic():
        if not AuditHold.objects.filter(pk=hold.pk, lifted_at=None).update(lifted_at=now, lifted_by=actor.name):
            raise Conflict("This hold was lifted already.", code="already_lifted")
        record(actor=actor, action=LIFTED, thing=_ref(hold), reason=reason, now=now)
    hold.refresh_from_db()
    return hold


def _person(actor: Actor) -> str:
    """By whatever account: a service account acts for who owns it."""
    return str(actor.user.owner_id or actor.user.pk)


def _ref(hold: AuditHold) -> Ref:
    return Ref("audit_hold", str(hold.pk), hold.project_name or "all events", project=hold.project_id)
