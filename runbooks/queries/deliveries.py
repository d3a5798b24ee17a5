"""Messages to people and endpoints, as the actor may see them."""

from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid, installation
from runbooks.access.rights import may, restrict_projects, restrict_runbooks
from runbooks.domain.policy import YES, Decision
from runbooks.models import Delivery, Project, Runbook

STATES = ("delivered", "waiting", "held", "given_up")
WITH_OUTPUT = ("email", "page")
ABOUT = ("recipient", "endpoint__person", "run", "runbook__project", "project", "digest")


def deliveries(
    *, actor: Actor, now: datetime, state: str = "", recipient: str = "", endpoint: str = ""
) -> QuerySet[Delivery]:
    """Administrators see of all of them that they were sent; others their own, those about runs that they audit, and
    those to the endpoints that they may change."""
    found = Delivery.objects.select_related(*ABOUT)
    if not may(actor=actor, right="administer", place=installation(), now=now):
        found = found.filter(_within_reach(actor=actor, now=now))
    if recipient:
        found = found.filter(Q(recipient__username=recipient) | Q(address=recipient) | Q(endpoint__slug=recipient))
    if endpoint:
        found = found.filter(endpoint=as_uuid(endpoint))
    return found.filter(_in_state(state))


def delivery(*, actor: Actor, delivery_id: str, action: str = "notification.read", now: datetime) -> Delivery:
    """Raises Hidden."""
    key = as_uuid(delivery_id)
    found = deliveries(actor=actor, now=now).filter(pk=key).first() if key else None
    if found is None:
        raise Hidden(action=action, kind="delivery", name=delivery_id[:64], id=str(key or ""))
    return found


def may_read_text(*, actor: Actor, delivery: Delivery, now: datetime) -> Decision:
    """Mails tell a run's values, and end with output of it: others than the recipient need the right to see that."""
    if delivery.recipient_id == actor.user.pk:
        return YES
    place = delivery.runbook or delivery.project or installation()
    whole = delivery.run_id and delivery.channel in WITH_OUTPUT
    return may(actor=actor, right="see_output" if whole else "view", place=place, now=now)


def state_of(delivery: Delivery) -> str:
    """What became of it; what went into a digest is where the digest is."""
    whole = delivery.digest or delivery
    if whole.delivered_at:
        return "delivered"
    if whole.next_attempt_at:
        return "waiting"
    return "held" if whole.held_until else "given_up"


def _in_state(state: str) -> Q:
    match state:
        case "delivered":
            return Q(delivered_at__isnull=False) | Q(digest__delivered_at__isnull=False)
        case "waiting":
            return Q(next_attempt_at__isnull=False) | Q(digest__next_attempt_at__isnull=False)
        case "held":
            return Q(held_until__isnull=False)
        case "given_up":
            over = Q(delivered_at=None, next_attempt_at=None, held_until=None)
            return over & (Q(digest=None) | Q(digest__delivered_at=None, digest__next_attempt_at=None))
        case _:
            return Q()


def _within_reach(*, actor: Actor, now: datetime) -> Q:
    reach = Q(recipient=actor.user)
    for right in ("audit", "grant"):
        books = restrict_runbooks(actor=actor, right=right, now=now, queryset=Runbook.objects.all())
        projects = restrict_projects(actor=actor, right=right, now=now, queryset=Project.objects.all())
        here = Q(runbook__in=books) | Q(project__in=projects)
        reach |= here if right == "audit" else here & (Q(endpoint__person=None) & Q(recipient=None))
    return reach
