"""Secrets of projects: names that people see, and values that nobody reads back."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from runbooks.domain.rights import RIGHT_TITLES
from runbooks.domain.secrecy.sealing import Sealed
from runbooks.models.ids import new_id
from runbooks.models.people import User
from runbooks.models.projects import Project, Version
from runbooks.models.runs import Run


class Secret(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="secrets")
    slug = models.SlugField(max_length=64)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    rotated_at = models.DateTimeField(help_text="When the value was set last.")
    last_used_at = models.DateTimeField(null=True, help_text="To the minute: when a step last got it.")
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        permissions = [*RIGHT_TITLES.items()]
        constraints = [models.UniqueConstraint(name="secret_slugs_are_never_reused", fields=["project", "slug"])]

    def __str__(self) -> str:
        return self.path

    @property
    def path(self) -> str:
        return f"{self.project.slug}/{self.slug}"


class SealedRow(models.Model):
    """A value in its envelope; see `domain/sealing.py`. Without a wrapped key nobody can ever open it."""

    key_id = models.CharField(max_length=16, help_text="Of the master key that wraps the data key.")
    wrapped_key = models.BinaryField()
    content = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.key_id, bytes(self.wrapped_key), bytes(self.content))


class SecretValue(SealedRow):
    """One value of a secret. The newest counts; of those before it only when and by whom is kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    secret = models.ForeignKey(Secret, on_delete=models.PROTECT, related_name="values")
    number = models.PositiveIntegerField()
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="secret_values_are_numbered", fields=["secret", "number"]),
            # Destroyed is destroyed: no part of an envelope stays without the others.
            models.CheckConstraint(
                name="secret_values_are_whole_or_gone",
                condition=~Q(key_id="") & ~Q(wrapped_key=b"") & ~Q(content=b"")
                | Q(key_id="", wrapped_key=b"", content=b""),
            ),
        ]
        indexes = [models.Index(name="secret_value_by_key", fields=["key_id"], condition=~Q(key_id=""))]

    @property
    def context(self) -> str:
        return f"secret {self.secret_id} row {self.pk}"


class SecretReference(models.Model):
    """A version's step that names a secret, by "project/slug": the secret need not be there yet."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="secret_references")
    place = models.CharField(max_length=200, help_text="The step and the variable, as the plan names them.")
    path = models.CharField(max_length=130)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="one_secret_per_place", fields=["version", "place"])]
        indexes = [models.Index(name="secret_reference_by_path", fields=["path"])]


class RunSecret(SealedRow):
    """A secret parameter's value, from the click to the run's end; then the row is deleted."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="secret_values")
    parameter = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="one_value_per_secret_parameter", fields=["run", "parameter"])]
        indexes = [models.Index(name="run_secret_by_key", fields=["key_id"])]

    @property
    def context(self) -> str:
        return f"run {self.run_id} parameter {self.parameter} row {self.pk}"
