"""Messages to people, as the actor may see them."""

from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, installation
from runbooks.access.rights import may, restrict_runbooks
from runbooks.domain.policy import YES, Decision
from runbooks.models import Delivery, Runbook

STATES = ("delivered", "waiting", "given_up")


def deliveries(*, actor: Actor, now: datetime, state: str = "", recipient: str = "") -> QuerySet[Delivery]:
    """Administrators see of all of them that they were sent; others their own, and those about runs that they audit."""
    found = Delivery.objects.select_related("recipient", "run__runbook__project")
    if not may(actor=actor, right="administer", place=installation(), now=now):
        books = restrict_runbooks(actor=actor, right="audit", now=now, queryset=Runbook.objects.all())
        found = found.filter(Q(recipient=actor.user) | Q(run__runbook__in=books))
    if recipient:
        found = found.filter(Q(recipient__username=recipient) | Q(address=recipient))
    if state == "delivered":
        return found.filter(delivered_at__isnull=False)
    if state in STATES:
        return found.filter(delivered_at=None, next_attempt_at__isnull=state == "given_up")
    return found


def delivery(*, actor: Actor, delivery_id: str, now: datetime) -> Delivery:
    """Raises Hidden."""
    key = as_uuid(delivery_id)
    found = deliveries(actor=actor, now=now).filter(pk=key).first() if key else None
    if found is None:
        raise Hidden(action="notification.read", kind="delivery", name=delivery_id[:64], id=str(key or ""))
    return found


def may_read_text(*, actor: Actor, delivery: Delivery, now: datetime) -> Decision:
    """The text ends with output of the run: others than the recipient need the right to see that."""
    if delivery.recipient_id == actor.user.pk:
        return YES
    return may(actor=actor, right="see_output", place=delivery.run.runbook, now=now)
