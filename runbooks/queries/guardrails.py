"""Freezes and reviews after a glass was broken, as the actor may see them."""

from datetime import datetime

from django.db.models import Q, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, as_uuid
from runbooks.access.rights import restrict_projects, restrict_runbooks, restrict_runs
from runbooks.models import BreakGlassReview, Freeze, Project, Run, Runbook

CLOSERS = ("review", "audit", "administer")


def freezes(*, actor: Actor, now: datetime) -> QuerySet[Freeze]:
    """Those of the whole installation, and of projects and runbooks that the actor sees."""
    projects = restrict_projects(actor=actor, right="view", now=now, queryset=Project.objects.all())
    books = restrict_runbooks(actor=actor, right="view", now=now, queryset=Runbook.objects.all())
    seen = Q(project=None, runbook=None) | Q(project__in=projects.values("pk")) | Q(runbook__in=books.values("pk"))
    return Freeze.objects.filter(seen).select_related("project", "runbook__project", "made_by", "lifted_by")


def open_freezes(found: QuerySet[Freeze], *, now: datetime) -> QuerySet[Freeze]:
    """Neither lifted nor over."""
    return found.filter(Q(ends_at=None) | Q(ends_at__gt=now), lifted_at=None)


def freeze(*, actor: Actor, freeze_id: str, action: str = "freeze.read", now: datetime) -> Freeze:
    """Raises Hidden."""
    key = as_uuid(freeze_id)
    found = freezes(actor=actor, now=now).filter(pk=key).first() if key else None
    if found is None:
        raise Hidden(action=action, kind="freeze", name=freeze_id[:64], id=str(key or ""))
    return found


def reviews(*, actor: Actor, now: datetime) -> QuerySet[BreakGlassReview]:
    """One's own, and those that one may close once somebody else broke the glass."""
    reach = Q(by=actor.user)
    for right in CLOSERS:
        runs = restrict_runs(actor=actor, right=right, now=now, queryset=Run.objects.all())
        reach |= Q(run__in=runs.values("pk"))
    return BreakGlassReview.objects.filter(reach).select_related("run__runbook__project", "by__owner", "closed_by")


def count_to_close(*, actor: Actor, now: datetime, most: int) -> int:
    """Open ones of others, MOST at most; on every page, and so by one short query where there are none."""
    open_ones = BreakGlassReview.objects.filter(closed_at=None).exclude(by=actor.user)
    if not open_ones.exists():
        return 0
    mine = reviews(actor=actor, now=now).filter(closed_at=None).exclude(by=actor.user)
    return len(mine.values_list("pk", flat=True)[:most])


def review(*, actor: Actor, review_id: str, now: datetime) -> BreakGlassReview:
    """Raises Hidden."""
    key = as_uuid(review_id)
    found = reviews(actor=actor, now=now).filter(pk=key).first() if key else None
    if found is None:
        raise Hidden(action="glass.reviewed", kind="review", name=review_id[:64], id=str(key or ""))
    return found


def stopped(*, actor: Actor, now: datetime) -> list[Project | Runbook]:
    """The projects and runbooks whose kill switch is off, of those that the actor sees."""
    projects = Project.objects.filter(stopped_at__isnull=False).select_related("stopped_by")
    books = Runbook.objects.filter(stopped_at__isnull=False).select_related("project", "stopped_by")
    return [
        *restrict_projects(actor=actor, right="view", now=now, queryset=projects),
        *restrict_runbooks(actor=actor, right="view", now=now, queryset=books),
    ]
