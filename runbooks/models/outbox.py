"""What leaves the house after a commit: messages for people, and answers to remembered requests."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from runbooks.models.ids import new_id
from runbooks.models.notices import Endpoint
from runbooks.models.people import User
from runbooks.models.projects import Project, Runbook
from runbooks.models.runs import Run


class Delivery(models.Model):
    """One message to one person or endpoint through one channel, with what became of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    occasion = models.CharField(max_length=100, help_text="What it tells of: nobody is told of one occasion twice.")
    event = models.CharField(max_length=40, default="finished")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, related_name="deliveries")
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, null=True, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+")
    recipient = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, null=True, related_name="deliveries")
    channel = models.CharField(max_length=20, default="email")
    address = models.CharField(max_length=300)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    link = models.CharField(max_length=500, blank=True)
    facts = models.JSONField(default=dict, help_text="The same for programs.")
    created_at = models.DateTimeField(db_default=Now())
    held_until = models.DateTimeField(null=True, help_text="When it goes with others into one message.")
    digest = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="parts")
    next_attempt_at = models.DateTimeField(null=True, help_text="Empty once it was delivered or given up.")
    attempts = models.PositiveIntegerField(default=0, help_text="Since it was written, or sent again by somebody.")
    delivered_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="one_message_per_person", fields=["occasion", "recipient", "channel"], condition=Q(endpoint=None)
            ),
            models.UniqueConstraint(name="one_message_per_endpoint", fields=["occasion", "endpoint"]),
            models.UniqueConstraint(
                name="one_message_per_nobody",
                fields=["occasion", "address"],
                condition=Q(endpoint=None, recipient=None),
            ),
        ]
        indexes = [
            models.Index(name="deliveries_due", fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False)),
            models.Index(name="deliveries_held", fields=["held_until"], condition=Q(held_until__isnull=False)),
        ]

    @property
    def to_whom(self) -> str:
        """The person or the endpoint; the address where there is neither."""
        if self.recipient:
            return self.recipient.username
        return self.endpoint.slug if self.endpoint else self.address


class DeliveryAttempt(models.Model):
    """One try to send a message, and what was answered."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="tries")
    at = models.DateTimeField()
    code = models.PositiveIntegerField(null=True, help_text="The status of the answer, where there is one.")
    error = models.TextField(blank=True, help_text="Empty: it was taken.")
    said = models.TextField(blank=True, help_text="The beginning of the answer.")

    class Meta:
        default_permissions = ()
        ordering = ["pk"]


class IdempotencyKey(models.Model):
    """The answer to a request that carried an Idempotency-Key, kept so that a repeat answers the same."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="one_answer_per_key", fields=["user", "key"])]
