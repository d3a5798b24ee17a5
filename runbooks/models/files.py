"""Files that were given as values: the content once, whatever the number of runs that were given it."""

from django.db import models

from runbooks.models.ids import new_id
from runbooks.models.runs import Run


class FileContent(models.Model):
    """In the database, as the values of a run are: a worker needs nothing else to have it, and it is small."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    data = models.BinaryField()

    class Meta:
        default_permissions = ()


class RunFile(models.Model):
    """A file that a run was given for a parameter."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="files")
    parameter = models.CharField(max_length=64)
    content = models.ForeignKey(FileContent, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="one_file_per_parameter", fields=["run", "parameter"])]
