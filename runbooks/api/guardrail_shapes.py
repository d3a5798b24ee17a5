"""The shapes of guardrails: freezes, kill switches, and the reviews after a glass was broken."""

from typing import Any

from rest_framework import serializers

from runbooks.api.shapes import Body, Text
from runbooks.models import BreakGlassReview, Freeze


class FreezeIn(Body):
    object = Text(max_length=200)
    reason = Text(max_length=2000)
    starts_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    ends_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    weekly = serializers.JSONField(required=False, allow_null=True, default=None)


class FreezeOut(serializers.ModelSerializer[Freeze]):
    object = serializers.CharField(source="object_name")
    made_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    lifted_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Freeze
        fields = [
            "id", "object", "reason", "starts_at", "ends_at", "weekly", "made_by", "made_at", "lifted_at", "lifted_by",
        ]  # fmt: skip


class KillSwitchIn(Body):
    object = Text(max_length=200)
    accepts_runs = serializers.BooleanField()
    reason = Text(max_length=2000)


class CloseIn(Body):
    comment = Text(max_length=4000)


class ReviewOut(serializers.ModelSerializer[BreakGlassReview]):
    run = serializers.UUIDField(source="run_id")
    runbook = serializers.CharField(source="run.runbook.path")
    by = serializers.CharField(source="by.username")
    passed = serializers.ListField(child=serializers.CharField())
    closed_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = BreakGlassReview
        fields = ["id", "run", "runbook", "by", "reason", "passed", "opened_at", "closed_at", "closed_by", "comment"]
