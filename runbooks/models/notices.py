"""Who is told of what, and by which way: endpoints, rules of versions, what people chose, how far the log was read."""

from enum import StrEnum

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from runbooks.models.ids import new_id
from runbooks.models.people import User
from runbooks.models.projects import Project, Runbook, Version
from runbooks.models.secrets import SealedRow


class EndpointKind(StrEnum):
    PEOPLE = "people"  # by the ways that each of them chose
    WEBHOOK = "webhook"  # JSON, signed as Standard Webhooks has it
    SLACK = "slack"  # text and blocks, as Slack's incoming webhooks take them
    APPRISE = "apprise"  # any of the services that Apprise knows


class Endpoint(models.Model):
    """Where messages about a place go: those about the installation, a project or a runbook, with all that is in it;
    or a way by which one person gets theirs."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="endpoints")
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, null=True, related_name="endpoints")
    person = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="endpoints")
    slug = models.SlugField(max_length=64)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=10)
    address = models.CharField(max_length=2000, help_text="For people to see: without what of it is secret.")
    events = models.JSONField(default=list, help_text="Names of the events that it is told of.")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="endpoints_are_of_one_place",
                condition=Q(project=None, runbook=None) | Q(project=None, person=None) | Q(runbook=None, person=None),
            ),
            models.UniqueConstraint(
                name="endpoint_slugs_of_the_installation",
                fields=["slug"],
                condition=Q(project=None, runbook=None, person=None),
            ),
            models.UniqueConstraint(name="endpoint_slugs_of_a_project", fields=["project", "slug"]),
            models.UniqueConstraint(name="endpoint_slugs_of_a_runbook", fields=["runbook", "slug"]),
            models.UniqueConstraint(name="endpoint_slugs_of_a_person", fields=["person", "slug"]),
        ]

    def __str__(self) -> str:
        return f"{self.slug} of {self.place_name}"

    @property
    def shown_address(self) -> str:
        """For those who only read of it: of a web address the host, since what follows may be meant for few."""
        if self.kind != EndpointKind.WEBHOOK:
            return self.address
        return "/".join(self.address.split("/")[:3])

    @property
    def place_name(self) -> str:
        """As the API names places."""
        if self.runbook:
            return f"runbook:{self.runbook.path}"
        if self.project:
            return f"project:{self.project.slug}"
        return f"user:{self.person.username}" if self.person else "installation"


class EndpointSecret(SealedRow):
    """What to sign with; of Slack and Apprise the whole address, which is a password too."""

    endpoint = models.OneToOneField(Endpoint, on_delete=models.PROTECT, primary_key=True, related_name="secret")

    class Meta:
        default_permissions = ()
        indexes = [models.Index(name="endpoint_secret_by_key", fields=["key_id"])]

    @property
    def context(self) -> str:
        return f"endpoint {self.endpoint_id}"


class NotifyRule(models.Model):
    """A line of a version's `notify`."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="notify_rules")
    number = models.PositiveIntegerField()
    to = models.CharField(max_length=100)
    events = models.JSONField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="notify_rules_are_numbered", fields=["version", "number"])]


class NotificationChoice(models.Model):
    """How a person wants to be told. Nobody who has chosen nothing has a row."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, primary_key=True, related_name="notification_choice")
    pace = models.CharField(max_length=10)
    requested = models.CharField(max_length=10, help_text="Of runs that they asked for, which ends they want to hear.")
    by_email = models.BooleanField()
    endpoints = models.ManyToManyField(Endpoint, related_name="+")

    class Meta:
        default_permissions = ()


class NoticeCursor(models.Model):
    """How far the audit log was read for what people are to be told of. One row."""

    seq = models.BigIntegerField()

    class Meta:
        default_permissions = ()
