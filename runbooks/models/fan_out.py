"""How far a step has come on its nodes: counted by one statement at each end, never by looking at all of them."""

from django.db import models
from django.db.models import F, Q

from runbooks.models.runs import StepRun


class FanOut(models.Model):
    """Of the step run that stands for the whole step; the step runs on single nodes are its parts."""

    step_run = models.OneToOneField(StepRun, on_delete=models.CASCADE, primary_key=True, related_name="fan_out")
    nodes = models.JSONField(help_text="Names, in the order in which they are begun.")
    total = models.PositiveIntegerField()
    begun = models.PositiveIntegerField(default=0, help_text="So many of the names have a step run.")
    ended = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0, help_text="Of the ended: all that did not succeed.")
    stopped = models.BooleanField(default=False, help_text="No further node is begun.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="nodes_end_once_they_have_begun",
                condition=Q(ended__lte=F("begun")) & Q(begun__lte=F("total")) & Q(failed__lte=F("ended")),
            )
        ]
