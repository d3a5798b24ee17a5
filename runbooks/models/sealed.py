"""Finished output that lies compressed in the storage: an object per run, and the index of its frames."""

from django.db import models

from runbooks.models.runs import Run, StepRun


class SealedOutput(models.Model):
    """All output of one run, sealed; its chunk rows are gone."""

    run = models.OneToOneField(Run, on_delete=models.PROTECT, primary_key=True, related_name="sealed")
    key = models.CharField(max_length=200, unique=True, help_text="In the storage.")
    size = models.BigIntegerField(help_text="Of the stored object, in bytes.")
    sealed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()


class SealedFrame(models.Model):
    """About 1 MiB of the run's log: a part of the object that is read, verified and unpacked by itself."""

    sealed = models.ForeignKey(SealedOutput, on_delete=models.PROTECT, related_name="frames")
    position = models.BigIntegerField(help_text="Where it begins in the object.")
    size = models.BigIntegerField(help_text="How long it is there.")
    offset = models.BigIntegerField(help_text="Of its first byte in the run's log.")
    length = models.BigIntegerField(help_text="Of its bytes in the run's log.")
    first_seq = models.BigIntegerField(help_text="Number, among the run's events, of its first piece.")
    last_seq = models.BigIntegerField()
    time = models.DateTimeField(help_text="Of its first piece.")
    sha256 = models.BinaryField(help_text="Of the bytes in the object.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="frames_are_numbered", fields=["sealed", "last_seq"])]
        indexes = [models.Index(name="frame_by_offset", fields=["sealed", "offset"])]


class SealedSpan(models.Model):
    """What a frame has of one step run."""

    frame = models.ForeignKey(SealedFrame, on_delete=models.PROTECT, related_name="spans")
    step_run = models.ForeignKey(StepRun, on_delete=models.PROTECT, related_name="spans")
    first_seq = models.BigIntegerField()
    step_offset = models.BigIntegerField(help_text="Of its first byte in the step run's log.")
    first_line = models.BigIntegerField(help_text="Number, from 1, of the step run's line that it begins in.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="one_span_per_step_and_frame", fields=["frame", "step_run"])]
        indexes = [
            models.Index(name="span_by_offset", fields=["step_run", "step_offset"]),
            models.Index(name="span_by_line", fields=["step_run", "first_line", "first_seq"]),
        ]
