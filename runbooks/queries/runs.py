"""Runs, as the actor may see them."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from runbooks.access.actors import Actor
from runbooks.access.rights import restrict_runs, rights_on
from runbooks.domain.states import RUN_FINAL
from runbooks.models import Run, Runbook, StepRun
from runbooks.models.prepared import Prepared
from runbooks.queries.runbooks import runbooks

WHOLE_STEPS = StepRun.objects.filter(part_of=None).select_related("fan_out")


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
    return found.select_related("runbook__project", "version", "requested_by").prefetch_related(
        Prefetch("step_runs", queryset=WHOLE_STEPS)
    )


STEPS_OF = Prepared(lambda run: WHOLE_STEPS.filter(run=run), Run._meta.pk)


def with_steps(run: Run) -> Run:
    """The run, its step runs loaded, as `prefetch_related` does it; not those on single nodes."""
    steps = run.step_runs.all()
    steps._result_cache = STEPS_OF(run.pk)
    run._prefetched_objects_cache = {"step_runs": steps}  # type: ignore[attr-defined]
    return run


def all_steps(*, run: Run, step: str = "", node: str = "", status: str = "") -> QuerySet[StepRun]:
    """Those on single nodes too, in the order in which they came to be."""
    asked = {"step": step, "node": node, "status": status}
    found = StepRun.objects.filter(run=run.pk, **{name: value for name, value in asked.items() if value})
    return found.select_related("fan_out")


def children_of(run: Run) -> dict[uuid.UUID, uuid.UUID]:
    """Ids of the runs of other runbooks that are steps of this one, by step run."""
    found = Run.objects.filter(parent_step__run=run.pk)
    return {child.parent_step_id: child.pk for child in found.only("parent_step") if child.parent_step_id}


def children_seen_by(*, actor: Actor, run: Run, now: datetime) -> list[Run]:
    """Those of them whose runbook the actor sees, with their step."""
    found = Run.objects.filter(parent_step__run=run.pk).select_related("runbook__project", "parent_step")
    return list(restrict_runs(actor=actor, right="view", now=now, queryset=found).order_by("id"))


def with_output_seen_by(*, actor: Actor, runs: Sequence[Run], now: datetime) -> set[uuid.UUID]:
    """Ids of those of RUNS whose log, and what else their scripts left, the actor may read. Of those that left nothing
    nobody has to ask."""
    telling = [run for run in runs if any(step.outputs or step.summary for step in run.step_runs.all())]
    if len(telling) < 2:
        return {run.pk for run in telling if "see_output" in rights_on(actor=actor, place=run.runbook, now=now)}
    these = Run.objects.filter(pk__in=[run.pk for run in telling])
    return set(restrict_runs(actor=actor, right="see_output", now=now, queryset=these).values_list("pk", flat=True))


def found_by(*, actor: Actor, q: str, now: datetime) -> QuerySet[Run]:
    """Runs whose id begins with Q, or whose runbook is found by Q; newest first."""
    beginning = q.replace("-", "").lower()
    if len(beginning) >= 4 and set(beginning) <= set("0123456789abcdef"):
        first, last = (uuid.UUID(beginning[:32].ljust(32, filler)) for filler in "0f")
        found = runs(actor=actor, now=now).filter(pk__gte=first, pk__lte=last)
    else:
        found = runs(actor=actor, now=now).filter(runbook__in=runbooks(actor=actor, q=q, now=now).values("pk"))
    return found.defer("plan").prefetch_related(None).order_by("-id")


def running_like(*, runbook: Runbook) -> Run | None:
    """A run of this runbook that has not ended: the form says so before anybody starts another."""
    open_runs = Run.objects.filter(runbook=runbook).exclude(status__in=RUN_FINAL)
    return open_runs.select_related("requested_by").order_by("-id").first()


def usual_seconds(*, runbook: Runbook) -> float | None:
    """The median duration of the last twenty successes."""
    done = Run.objects.filter(runbook=runbook, status="succeeded", started_at__isnull=False).order_by("-id")
    moments = done.values_list("started_at", "finished_at")[:20]
    lengths = sorted((finished - started).total_seconds() for started, finished in moments if started and finished)
    return lengths[len(lengths) // 2] if lengths else None
