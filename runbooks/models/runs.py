"""Runs, their step runs, output and events."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from runbooks.domain.states import RunStatus, StepStatus
from runbooks.models.ids import new_id
from runbooks.models.people import Token, User
from runbooks.models.projects import Runbook, Version


class Run(models.Model):
    """One execution of a version. `plan` is all that is about to happen, frozen at the start; `plan_hash` names it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="runs")
    plan = models.BinaryField(help_text="The plan in canonical form (RFC 8785).")
    plan_hash = models.CharField(max_length=71)
    parameters = models.JSONField(default=dict)
    status = models.CharField(max_length=20, default=RunStatus.QUEUED)
    status_detail = models.TextField(blank=True, help_text="For people: why it was refused, expired, lost …")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="runs")
    token = models.ForeignKey(Token, on_delete=models.PROTECT, null=True, related_name="+")
    trigger = models.CharField(max_length=10)
    reason = models.TextField(blank=True)
    rerun_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="reruns")
    resumed_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="resumed_by")
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="children",
        help_text="Of which it is a step.",
    )
    parent_step = models.ForeignKey(
        "StepRun",
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="child_runs",
        help_text="That waits for it.",
    )
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(help_text="Not started by then: it never will.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    announced_at = models.DateTimeField(null=True, help_text="When the owners were told of this use.")
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    cleanup_cancelled_at = models.DateTimeField(null=True, help_text="When a second cancel stopped the cleanup too.")
    main_status = models.CharField(max_length=20, null=True, help_text="How all but the cleanup ended, once it began.")
    by_grant = models.ForeignKey(
        "runbooks.Grant",
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="runs",
        help_text="Of the limited grants the one that covers it; empty: one without limits does.",
    )
    concurrency_key = models.CharField(max_length=200, null=True, help_text="One run of the runbook at a time has it.")
    exit_code = models.IntegerField(null=True)
    output_bytes = models.BigIntegerField(default=0)
    output_complete = models.BooleanField(default=True)
    output_removed_at = models.DateTimeField(null=True, help_text="When retention removed the output.")
    event_seq = models.BigIntegerField(default=0, help_text="The last number given to an event or a chunk of output.")

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(name="run_by_runbook", fields=["runbook", "-id"]),
            models.Index(name="run_by_requester", fields=["requested_by", "-id"]),
            models.Index(name="run_by_status", fields=["status", "id"]),
            models.Index(
                name="uses_to_announce",
                fields=["finished_at"],
                condition=Q(announced_at__isnull=True, started_at__isnull=False),
            ),
            models.Index(name="run_by_grant", fields=["by_grant", "-created_at"], condition=Q(by_grant__isnull=False)),
            models.Index(
                name="run_by_concurrency_key",
                fields=["runbook", "concurrency_key", "status"],
                condition=Q(concurrency_key__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="a_step_runs_one_other_runbook_once",
                fields=["parent_step"],
                condition=Q(parent_step__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class StepRun(models.Model):
    """One attempt of one step on one node. The fence and the lease of whoever runs it live here."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="step_runs")
    index = models.PositiveIntegerField()
    step = models.CharField(max_length=64)
    node = models.CharField(max_length=200, blank=True, help_text="Empty: the worker's own machine.")
    zone = models.CharField(max_length=64, blank=True, default="", help_text="Whose workers are told of it.")
    part_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="parts", help_text="The step on all its nodes."
    )
    nodes = models.PositiveIntegerField(null=True, help_text="It stands for a step on so many nodes; see FanOut.")
    attempt = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=20, default=StepStatus.PENDING)
    detail = models.TextField(blank=True)
    fence = models.PositiveIntegerField(default=0, help_text="Rises with each claim; every later write carries it.")
    worker = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, help_text="By the database's clock.")
    hinted_at = models.DateTimeField(null=True, help_text="When a worker was last told of it.")
    due_at = models.DateTimeField(null=True, help_text="When the scheduler has to look: the delay of a retry is over.")
    cleanup = models.BooleanField(
        default=False, help_text="It runs whatever happened, and only a second cancel stops it."
    )
    carried_from = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+", help_text="It succeeded there; see resumed_from."
    )
    containment = models.JSONField(default=dict)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    exit_code = models.IntegerField(null=True)
    outputs = models.JSONField(default=dict)
    summary = models.TextField(blank=True)
    output_bytes = models.BigIntegerField(default=0)
    output_lines = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        ordering = ["index", "node", "attempt"]
        constraints = [
            models.UniqueConstraint(name="one_row_per_attempt", fields=["run", "step", "node", "attempt"]),
            models.CheckConstraint(
                name="running_steps_have_a_lease",
                condition=~Q(status=StepStatus.RUNNING) | Q(lease_until__isnull=False) | Q(nodes__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="step_run_leases", fields=["worker", "lease_until"], condition=Q(status=StepStatus.RUNNING)
            ),
            models.Index(
                name="step_runs_due",
                fields=["due_at"],
                condition=Q(due_at__isnull=False, status__in=[StepStatus.PENDING, StepStatus.WAITING]),
            ),
        ]


# Runs that have a chunk like this are worth an object of their own; what is smaller stays in its few rows.
LARGE_OUTPUT = Q(offset__gte=64 * 1024) | Q(seq__gte=256)


class OutputChunk(models.Model):
    """Up to 64 KiB of masked output of one step run; `seq` is its place among the run's events."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="chunks")
    seq = models.BigIntegerField()
    step_run = models.ForeignKey(StepRun, on_delete=models.PROTECT, related_name="chunks")
    offset = models.BigIntegerField(help_text="In the run's log, in bytes.")
    step_offset = models.BigIntegerField(help_text="In the step run's log, in bytes.")
    first_line = models.BigIntegerField(help_text="Number, from 1, of the step run's line that the chunk begins in.")
    time = models.DateTimeField()
    data = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="chunks_are_numbered", fields=["run", "seq"])]
        indexes = [
            models.Index(name="chunk_by_offset", fields=["run", "offset"]),
            models.Index(name="chunk_by_step", fields=["step_run", "step_offset"]),
            models.Index(name="chunk_by_line", fields=["step_run", "first_line", "seq"]),
            models.Index(name="chunks_to_seal", fields=["run"], condition=LARGE_OUTPUT),
        ]


class RunEvent(models.Model):
    """A change that watchers are told of, other than output."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="events")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    data = models.JSONField()
    time = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="run_events_are_numbered", fields=["run", "seq"])]
