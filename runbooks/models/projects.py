"""Projects, runbooks, their versions and the reviews of these."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from runbooks.domain.rights import RIGHT_TITLES
from runbooks.domain.states import VersionState
from runbooks.models.ids import new_id
from runbooks.models.people import User

INSTALLATION_ID = 1


class Installation(models.Model):
    """The one row at the top: grants on it flow down to every project."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=INSTALLATION_ID)
    accepts_runs = models.BooleanField(default=True, help_text="Off: the kill switch; no run starts.")
    has_freezes = models.BooleanField(null=True, help_text="Whether there may be a freeze that starts have to look at.")

    class Meta:
        default_permissions = ()
        permissions = [*RIGHT_TITLES.items()]
        constraints = [models.CheckConstraint(name="one_installation", condition=Q(id=INSTALLATION_ID))]

    def __str__(self) -> str:
        return "installation"


class Stoppable(models.Model):
    """What has a kill switch of its own; who switched it off, and why, is told to whoever is stopped by it."""

    stopped_at = models.DateTimeField(null=True)
    stopped_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    stop_reason = models.TextField(null=True)

    class Meta:
        abstract = True


class Project(Stoppable):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        permissions = [*RIGHT_TITLES.items()]

    def __str__(self) -> str:
        return self.slug


class Runbook(Stoppable):
    """A procedure. What it says is in its versions; the texts here are copies of the shown version's, for search."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="runbooks")
    slug = models.SlugField(max_length=64)
    title = models.CharField(max_length=200)
    tags = models.JSONField(default=list)
    alerts = models.JSONField(default=list)
    search_text = models.TextField(default="", help_text="Lower-case words of document, tags, alerts and scripts.")
    risk = models.CharField(max_length=10, default="low")
    last_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        permissions = [*RIGHT_TITLES.items()]
        constraints = [models.UniqueConstraint(name="slugs_are_never_reused", fields=["project", "slug"])]

    def __str__(self) -> str:
        return self.path

    @property
    def path(self) -> str:
        return f"{self.project.slug}/{self.slug}"


class Version(models.Model):
    """Insert-only content (the database refuses changes), guarded state."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    manifest = models.BinaryField(help_text="The definition in canonical form (RFC 8785).")
    hash = models.CharField(max_length=71)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=12, default=VersionState.DRAFT)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="version_numbers_are_unique", fields=["runbook", "number"]),
            models.UniqueConstraint(name="version_content_is_unique", fields=["runbook", "hash"]),
            models.UniqueConstraint(
                name="one_published_version", fields=["runbook"], condition=Q(state=VersionState.PUBLISHED)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.runbook} v{self.number}"


class Review(models.Model):
    """A person's verdict on one content, named by its hash."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="reviews")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=10)
    comment = models.TextField(blank=True)
    hash = models.CharField(max_length=71)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        ordering = ["at"]
        constraints = [
            models.CheckConstraint(name="verdicts_are_known", condition=Q(verdict__in=["approve", "reject"]))
        ]
