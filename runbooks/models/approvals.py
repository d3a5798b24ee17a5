"""Approvals of runs: what was asked for, what people said, and who may speak for whom."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from runbooks.models.ids import new_id
from runbooks.models.people import Token, User
from runbooks.models.runs import Run


class ApprovalRequest(models.Model):
    """A run that waits for other people's yes, and by which rule. Insert-only: the run's status tells how it ended."""

    run = models.OneToOneField(Run, on_delete=models.PROTECT, primary_key=True, related_name="approval_request")
    plan_hash = models.CharField(max_length=71, help_text="What is to be approved, and nothing else.")
    stages = models.JSONField(help_text="Who has to say yes, and how many: as the definition said at the start.")
    because = models.TextField(help_text="Which rule asks, as a sentence.")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()


class Approval(models.Model):
    """A person's verdict on exactly one plan. Insert-only; whether it still counts is asked anew each time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="approvals")
    stage = models.PositiveIntegerField()
    verdict = models.CharField(max_length=10)
    comment = models.TextField(blank=True)
    plan_hash = models.CharField(max_length=71, help_text="What was read and approved.")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", help_text="Behind the account.")
    of = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", help_text="Whose voice it is.")
    token = models.ForeignKey(Token, on_delete=models.PROTECT, null=True, related_name="+")
    via = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="one_verdict_per_person", fields=["request", "person"]),
            models.CheckConstraint(name="approvals_are_yes_or_no", condition=Q(verdict__in=["approve", "reject"])),
        ]


class Delegation(models.Model):
    """One person lets another approve in their place for a while. Never deleted."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    delegator = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_given")
    delegate = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_held")
    reason = models.TextField(blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, help_text="When it was taken back.")
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="delegations_end", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(name="nobody_is_their_own_delegate", condition=~Q(delegator=F("delegate"))),
        ]
        indexes = [models.Index(name="delegations_held", fields=["delegate", "ends_at"])]
