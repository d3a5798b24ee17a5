"""What leaves the house after a commit: messages for people, and answers to remembered requests."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from runbooks.models.ids import new_id
from runbooks.models.people import User
from runbooks.models.runs import Run


class DeliveryAbout(models.TextChoices):
    """What a message tells of: one of each for a run and a person."""

    USE = "use"
    APPROVAL = "approval"


class Delivery(models.Model):
    """One message to one person through one channel, with what became of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="deliveries")
    recipient = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    about = models.CharField(max_length=10, choices=DeliveryAbout.choices, default=DeliveryAbout.USE)
    channel = models.CharField(max_length=20, default="email")
    address = models.CharField(max_length=300)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    next_attempt_at = models.DateTimeField(null=True, help_text="Empty once it was delivered or given up.")
    attempts = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="one_message_per_use", fields=["run", "recipient", "channel", "about"]),
        ]
        indexes = [
            models.Index(name="deliveries_due", fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False))
        ]


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
