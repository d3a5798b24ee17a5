"""Runs, as the actor may see them."""

from datetime import datetime

from django.db.models import QuerySet

from runbooks.access.actors import Actor
from runbooks.access.rights import restrict_runs
from runbooks.domain.states import RUN_FINAL
from runbooks.models import Run, Runbook


def runs(*, actor: Actor, now: datetime, runbook: str = "", status: str = "", requested_by: str = "") -> QuerySet[Run]:
    """RUNBOOK is "project/slug", or a project alone."""
    found = restrict_runs(actor=actor, right="view", now=now, queryset=Run.objects.all())
    if runbook:
        project, _, slug = runbook.partition("/")
        found = found.filter(runbook__project__slug=project)
        found = found.filter(runbook__slug=slug) if slug else found
    if status == "open":
        found = found.exclude(status__in=RUN_FINAL)
    elif status:
        found = found.filter(status=status)
    if requested_by:
        found = found.filter(requested_by__username=requested_by)
    return found.select_related("runbook__project", "version", "requested_by").prefetch_related("step_runs")


def running_like(*, runbook: Runbook) -> Run | None:
    """A run of this runbook that has not ended: the form says so before anybody starts another."""
    open_runs = Run.objects.filter(runbook=runbook).exclude(status__in=RUN_FINAL)
    return open_runs.select_related("requested_by").order_by("-id").first()


def usual_seconds(*, runbook: Runbook) -> float | None:
    """The median duration of the last twenty successes."""
    done = Run.objects.filter(runbook=runbook, status="succeeded", started_at__isnull=False).order_by("-id")[:20]
    lengths = sorted(
        (run.finished_at - run.started_at).total_seconds() for run in done if run.finished_at and run.started_at
    )
    return lengths[len(lengths) // 2] if lengths else None
