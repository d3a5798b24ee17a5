"""Guardrails that bind everybody: freezes, and what remains of a glass that was broken."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from runbooks.models.ids import new_id
from runbooks.models.people import User
from runbooks.models.projects import Project, Runbook
from runbooks.models.runs import Run


class Freeze(models.Model):
    """A time in which nothing starts, whoever triggers. Without project and runbook: nowhere. Lifted, never deleted."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="freezes")
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, null=True, related_name="freezes")
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, help_text="Empty: until it is lifted.")
    weekly = models.JSONField(null=True, help_text="Only in these hours of the week.")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="a_freeze_has_one_place", condition=Q(project__isnull=True) | Q(runbook__isnull=True)
            ),
            models.CheckConstraint(
                name="freezes_end_after_they_start", condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at"))
            ),
        ]
        indexes = [models.Index(name="open_freezes", fields=["starts_at"], condition=Q(lifted_at__isnull=True))]

    @property
    def place(self) -> Project | Runbook | None:
        """None: the whole installation."""
        return self.runbook or self.project

    @property
    def object_name(self) -> str:
        if self.project:
            return f"project:{self.project.slug}"
        return f"runbook:{self.runbook.path}" if self.runbook else "installation"


class BreakGlassReview(models.Model):
    """Somebody passed guardrails; open until another person closes it with a comment."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="break_glass")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    passed = models.JSONField(help_text="The sentences that would have stopped it.")
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    comment = models.TextField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="reviews_are_closed_whole",
                condition=Q(closed_at__isnull=True, closed_by__isnull=True, comment__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False, comment__isnull=False),
            ),
            models.CheckConstraint(name="nobody_closes_their_own", condition=~Q(closed_by=F("by"))),
        ]
        indexes = [models.Index(name="open_reviews", fields=["opened_at"], condition=Q(closed_at__isnull=True))]
