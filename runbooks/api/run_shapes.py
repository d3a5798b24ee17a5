"""The shapes of runs and their step runs: what is asked for, what is told."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from runbooks.api.shapes import Body, Text
from runbooks.models import Run, StepRun
from runbooks.usecases.runs.tell import rfc3339


class RunIn(Body):
    runbook = Text(max_length=200)
    parameters = serializers.DictField(required=False, default=dict)
    reason = Text(required=False, default="")
    version = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1, max_value=2**31 - 1)
    dry_run = serializers.BooleanField(required=False, default=False)
    break_glass = serializers.BooleanField(required=False, default=False, help_text="Refused: that needs a person.")
    targets = serializers.ListField(child=Text(max_length=200), required=False, default=list, max_length=10_000)
    plan_hash = Text(
        required=False, default="", max_length=80, help_text="Of a dry run: 409 where it would differ now."
    )
    at = serializers.JSONField(required=False, allow_null=True, default=None)

    def validate_at(self, value: object) -> object:
        if value is not None:
            raise serializers.ValidationError("Starting at a later time is not supported yet.", "not_supported_yet")
        return value


class ResumeIn(Body):
    parameters = serializers.DictField(required=False, default=dict, help_text="The secret ones, which are not kept.")


class RerunIn(ResumeIn):
    same_version = serializers.BooleanField(required=False, default=False)
    failed_nodes = serializers.BooleanField(required=False, default=False)


class CompleteIn(Body):
    verdict = serializers.ChoiceField(choices=["approve", "reject"])
    note = Text(required=False, default="")
    evidence = serializers.JSONField(
        required=False,
        allow_null=True,
        default=None,
        help_text="A file, as an object of its name and its content in base64, or a list of up to 5.",
    )


class RunOut(serializers.ModelSerializer[Run]):
    runbook = serializers.CharField(source="runbook.path")
    version = serializers.IntegerField(source="version.number")
    hash = serializers.CharField(source="version.hash")
    requested_by = serializers.CharField(source="requested_by.username")
    parameters = serializers.DictField()
    outputs = serializers.SerializerMethodField()
    summary = serializers.SerializerMethodField()
    containment = serializers.SerializerMethodField()
    rerun_of = serializers.UUIDField(source="rerun_of_id", allow_null=True)
    resumed_from = serializers.UUIDField(source="resumed_from_id", allow_null=True)
    parent_run = serializers.UUIDField(
        source="parent_id", allow_null=True, help_text="The run that this one is a step of."
    )
    parent_step = serializers.UUIDField(source="parent_step_id", allow_null=True)

    class Meta:
        model = Run
        fields = [
            "id", "runbook", "version", "hash", "plan_hash", "status", "status_detail", "parameters", "requested_by",
            "trigger", "reason", "created_at", "started_at", "finished_at", "cancel_requested_at", "exit_code",
            "outputs", "summary", "output_bytes", "output_complete", "output_removed_at", "containment", "rerun_of",
            "resumed_from", "concurrency_key", "parent_run", "parent_step",
        ]  # fmt: skip

    def to_representation(self, run: Run) -> dict[str, Any]:
        """By hand: every look of a waiting client passes here, and the serializer would make its fields anew each time.
        They are declared for the schema; a test holds the two together."""
        told = {
            "runbook": run.runbook.path,
            "version": run.version.number,
            "hash": run.version.hash,
            "requested_by": run.requested_by.username,
            "outputs": self.get_outputs(run),
            "summary": self.get_summary(run),
            "containment": self.get_containment(run),
            "rerun_of": run.rerun_of_id,
            "resumed_from": run.resumed_from_id,
            "parent_run": run.parent_id,
            "parent_step": run.parent_step_id,
        }
        return {name: _as_json(told[name] if name in told else getattr(run, name)) for name in self.Meta.fields}

    def get_outputs(self, run: Run) -> dict[str, dict[str, str]]:
        return {step.step: step.outputs for step in self._said(run) if step.outputs}

    def get_summary(self, run: Run) -> str:
        return "\n\n".join(step.summary for step in self._said(run) if step.summary)

    def _said(self, run: Run) -> Iterable[StepRun]:
        """The steps, for who may read output: `output_of` holds the ids of the runs where that is so."""
        return run.step_runs.all() if run.pk in self.context["output_of"] else ()

    def get_containment(self, run: Run) -> dict[str, Any]:
        steps = run.step_runs.all()
        return dict(steps[0].containment) if steps else {}


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, UUID) else value


class StepRunOut(serializers.ModelSerializer[StepRun]):
    outputs = serializers.SerializerMethodField()
    nodes = serializers.SerializerMethodField()
    part_of = serializers.UUIDField(source="part_of_id", allow_null=True)
    carried_from = serializers.UUIDField(source="carried_from_id", allow_null=True)
    child = serializers.SerializerMethodField(help_text="The run of another runbook that this step is.")

    class Meta:
        model = StepRun
        fields = [
            "id", "step", "node", "attempt", "status", "detail", "exit_code", "started_at", "finished_at", "outputs",
            "output_bytes", "output_lines", "containment", "cleanup", "due_at", "carried_from",
            "nodes", "part_of", "child",
        ]  # fmt: skip

    def get_outputs(self, step: StepRun) -> dict[str, str]:
        return dict(step.outputs) if step.run_id in self.context["output_of"] else {}

    def get_child(self, step: StepRun) -> UUID | None:
        """`children` holds the ids of the runs, by step run."""
        found: UUID | None = self.context["children"].get(step.pk)
        return found

    def get_nodes(self, step: StepRun) -> dict[str, int] | None:
        """Of a step on many nodes: how far it has come."""
        if step.nodes is None:
            return None
        count = step.fan_out
        return {"total": count.total, "begun": count.begun, "ended": count.ended, "failed": count.failed}
