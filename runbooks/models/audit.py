"""The append-only log: two insert-only tables without foreign keys, and the queue between them."""

from django.db import models

from runbooks.models.ids import new_id


class AuditEvent(models.Model):
    """One act, written in its own transaction. `body` is what the leaf's hash covers; the columns are for search."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    body = models.BinaryField(help_text="The event in canonical form (RFC 8785), without seq and leaf.")
    time = models.DateTimeField()
    actor_type = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_name = models.CharField(max_length=200)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.CharField(max_length=300, blank=True)
    outcome = models.CharField(max_length=10)
    project_id = models.CharField(
        max_length=64, blank=True, help_text="Where it happened: who may audit there sees it."
    )
    runbook_id = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(name="audit_by_object", fields=["object_id", "-id"]),
            models.Index(name="audit_by_actor", fields=["actor_name", "-id"]),
            models.Index(name="audit_by_project", fields=["project_id", "-id"]),
            models.Index(name="audit_by_runbook", fields=["runbook_id", "-id"]),
            models.Index(name="audit_by_action", fields=["action", "-id"]),
            models.Index(name="audit_reads", fields=["actor_id", "object_id", "action", "time"]),
        ]


class AuditLeaf(models.Model):
    """The place of an event in the log: gapless, given by one sequencer after the event's commit."""

    seq = models.BigIntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    leaf = models.BinaryField(max_length=32, help_text="SHA-256 of 0x00 and the event's body (RFC 6962).")

    class Meta:
        default_permissions = ()


class AuditPending(models.Model):
    """Events that have no leaf yet. A queue, not part of the log; a trigger on the events fills it."""

    event_id = models.UUIDField(primary_key=True)

    class Meta:
        default_permissions = ()
