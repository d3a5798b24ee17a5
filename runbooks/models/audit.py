"""The append-only log: two insert-only tables without foreign keys, and the queue between them."""

from django.db import models
from django.utils import timezone

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


class AuditSubtree(models.Model):
    """The hash over a complete subtree of the log's tree, kept so that roots and proofs need few rows. It can be
    computed from the leaves at any time."""

    level = models.PositiveSmallIntegerField(help_text="It covers 256 to the power of this many leaves.")
    index = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="one_hash_per_subtree", fields=["level", "index"])]


class AuditKey(models.Model):
    """A public key that checkpoints were signed by, published for ever."""

    public = models.CharField(primary_key=True, max_length=300, help_text="As C2SP's signed-note writes it.")
    first_used_at = models.DateTimeField()

    class Meta:
        default_permissions = ()


class AuditCheckpoint(models.Model):
    """A signed head of the log: its first `size` events, as they were then."""

    origin = models.CharField(max_length=200, help_text="The log's own name: that of the keys which signed.")
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    note = models.TextField(help_text="As it was signed, in C2SP's tlog-checkpoint form.")
    made_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="one_checkpoint_per_size", fields=["origin", "size"])]


class AuditCosignature(models.Model):
    """A witness elsewhere saw this checkpoint and that it continues all those that it had seen before."""

    checkpoint = models.BigIntegerField(help_text="Its id.")
    witness = models.CharField(max_length=300, help_text="Its public key.")
    line = models.TextField(help_text="As C2SP's tlog-cosignature writes it.")
    signed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    received_from = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="one_cosignature_per_witness", fields=["checkpoint", "witness"])]


class AuditPlace(models.Model):
    """How far a place outside has been told of the log. Not a part of the log."""

    name = models.CharField(primary_key=True, max_length=320)
    used_at = models.DateTimeField(default=timezone.now, help_text="When a scheduler last named it, within the hour.")
    cursor = models.BigIntegerField(default=0, help_text="It has all up to this checkpoint's id, or this event.")
    sent_to = models.BigIntegerField(default=0, help_text="It has everything about the first so many events.")
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="Failed ones, since the last that worked.")
    next_attempt_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        default_permissions = ()


class AuditRetirement(models.Model):
    """Retention may drop the bodies of these events; their leaves stay. The log itself tells of it too."""

    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField(db_index=True)
    retired_at = models.DateTimeField()

    class Meta:
        default_permissions = ()


class AuditHold(models.Model):
    """A legal hold: as long as it lasts, no body of its events is dropped, whatever retention says."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project_id = models.CharField(max_length=64, blank=True, help_text="Empty: all events.")
    project_name = models.CharField(max_length=100, blank=True)
    reason = models.TextField()
    placed_by_id = models.CharField(max_length=64)
    placed_by = models.CharField(max_length=200)
    placed_at = models.DateTimeField()
    lifted_by = models.CharField(max_length=200, blank=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
