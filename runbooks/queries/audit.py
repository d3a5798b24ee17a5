"""The audit log, for those who hold `audit`: on the installation all of it, else what concerns their places."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, installation, require
from runbooks.access.rights import holds_anywhere, may, restrict_projects, restrict_runbooks
from runbooks.audit.sequence import drain
from runbooks.domain.policy import no
from runbooks.models import AuditEvent, AuditLeaf, Project, Runbook


@dataclass(frozen=True)
class Filters:
    object: str = ""  # a bare id
    actor: str = ""  # a name
    action: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""


def events(*, actor: Actor, filters: Filters, now: datetime) -> QuerySet[AuditEvent]:
    """With `seq` on each. Raises NotAllowed for who holds `audit` nowhere."""
    if not holds_anywhere(actor=actor, right="audit", now=now):
        refusal = no("Reading the audit log needs the right “audit”, which you hold nowhere.")
        require(refusal, action="audit.read", thing=installation())
    drain()
    seq = AuditLeaf.objects.filter(event_id=OuterRef("pk")).values("seq")
    found = AuditEvent.objects.annotate(seq=Subquery(seq)).filter(seq__isnull=False)
    if not may(actor=actor, right="audit", place=installation(), now=now):
        found = found.filter(_within_reach(actor=actor, now=now))
    return _filtered(found=found, filters=filters)


def event(*, actor: Actor, seq: int, now: datetime) -> AuditEvent:
    """Raises Hidden, and NotAllowed as `events` does."""
    reachable = events(actor=actor, filters=Filters(), now=now)
    leaf = AuditLeaf.objects.filter(seq=seq).first()
    found = reachable.filter(pk=leaf.event_id).first() if leaf else None
    if found is None:
        raise Hidden(action="audit.read", kind="audit event", name=str(seq))
    return found


def _filtered(*, found: QuerySet[AuditEvent], filters: Filters) -> QuerySet[AuditEvent]:
    exact = {
        "object_id": filters.object,
        "actor_name": filters.actor,
        "action": filters.action,
        "outcome": filters.outcome,
    }
    found = found.filter(**{field: value for field, value in exact.items() if value})
    if filters.since:
        found = found.filter(time__gte=filters.since)
    if filters.until:
        found = found.filter(time__lt=filters.until)
    for word in filters.q.split():
        found = found.filter(Q(object_name__icontains=word) | Q(actor_name__icontains=word) | Q(action__icontains=word))
    return found


def _within_reach(*, actor: Actor, now: datetime) -> Q:
    """Events about the projects and runbooks that the actor audits. Ids in the log are text."""
    projects = restrict_projects(actor=actor, right="audit", now=now, queryset=Project.objects.all())
    books = restrict_runbooks(actor=actor, right="audit", now=now, queryset=Runbook.objects.all())
    return Q(project_id__in=[str(pk) for pk in projects.values_list("pk", flat=True)]) | Q(
        runbook_id__in=[str(pk) for pk in books.values_list("pk", flat=True)]
    )
