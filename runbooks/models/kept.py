"""What is kept beside a run's log: files that its scripts left or that people gave as evidence, and notes."""

from django.db import models
from django.db.models.functions import Now

from runbooks.models.ids import new_id
from runbooks.models.people import User
from runbooks.models.runs import Run, StepRun


class Artifact(models.Model):
    """A file that a script left in OPSAAS_ARTIFACTS_DIR, or that somebody gave with the answer to a manual step. Its
    content lies in the storage."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="artifacts")
    step_run = models.ForeignKey(StepRun, on_delete=models.PROTECT, related_name="artifacts")
    name = models.TextField(help_text="Path below the folder, as the script gave it; what is no text is escaped.")
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    key = models.CharField(max_length=200, unique=True, help_text="In the storage.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        ordering = ["id"]


class Note(models.Model):
    """What somebody who watches a run wants to be remembered of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        ordering = ["id"]
