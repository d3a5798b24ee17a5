"""Machines that runs may be sent to, and the host keys by which they are known."""

import base64
import hashlib
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from runbooks.domain.rights import RIGHT_TITLES
from runbooks.domain.states import HostKeyState
from runbooks.models.ids import new_id
from runbooks.models.people import User
from runbooks.models.projects import Project


class Node(models.Model):
    """One machine. Archived, never deleted: a name always means the same machine."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="nodes")
    name = models.CharField(max_length=200)
    host = models.CharField(max_length=255, help_text="Address or DNS name.")
    port = models.PositiveIntegerField(default=22)
    user = models.CharField(max_length=64, default="opsaas", help_text="The account on the machine.")
    tags = models.JSONField(default=list)
    attributes = models.JSONField(default=dict, help_text="Texts by name.")
    zone = models.CharField(max_length=64, blank=True, help_text="The network zone whose workers take its steps.")
    jump = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="behind")
    private_key = models.ForeignKey("runbooks.Secret", on_delete=models.PROTECT, null=True, related_name="+")
    password = models.ForeignKey("runbooks.Secret", on_delete=models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=100, blank=True, help_text="The inventory it comes from; empty: by hand.")
    revision = models.PositiveIntegerField(default=1, help_text="Rises with each change.")
    created_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True)
    last_contact = models.DateTimeField(null=True)
    maintenance_from = models.DateTimeField(null=True)
    maintenance_until = models.DateTimeField(null=True, help_text="Empty, with a beginning: until somebody ends it.")
    maintenance_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    maintenance_reason = models.TextField(null=True)
    key_asked_at = models.DateTimeField(null=True, help_text="When somebody last wanted to see its host key.")
    key_looked_at = models.DateTimeField(null=True, help_text="When a worker last went to see it for that.")
    key_found = models.TextField(null=True, help_text="What came of it, for people.")

    class Meta:
        default_permissions = ()
        permissions = [*RIGHT_TITLES.items()]
        constraints = [
            models.UniqueConstraint(name="node_names_are_never_reused", fields=["project", "name"]),
            models.UniqueConstraint(
                name="shared_node_names_are_never_reused", fields=["name"], condition=Q(project__isnull=True)
            ),
            models.CheckConstraint(name="ports_are_ports", condition=Q(port__gte=1, port__lte=65535)),
        ]
        indexes = [models.Index(name="node_by_source", fields=["source", "name"])]

    def __str__(self) -> str:
        return self.path

    def in_maintenance(self, now: datetime) -> bool:
        until = self.maintenance_until
        return self.maintenance_from is not None and self.maintenance_from <= now and (until is None or now < until)

    @property
    def path(self) -> str:
        """ "payments/web1", or "web1" for a machine that no project owns."""
        return f"{self.project.slug}/{self.name}" if self.project else self.name


class HostKey(models.Model):
    """A key that a machine has shown, and what was decided about it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="host_keys")
    key = models.TextField(help_text="As in known_hosts: kind and base64.")
    state = models.CharField(max_length=10, default=HostKeyState.SEEN)
    seen_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        ordering = ["seen_at", "id"]
        constraints = [models.UniqueConstraint(name="one_row_per_host_key", fields=["node", "key"])]

    @property
    def kind(self) -> str:
        return self.key.partition(" ")[0]

    @property
    def fingerprint(self) -> str:
        """As OpenSSH shows it: "SHA256:…"."""
        digest = hashlib.sha256(base64.b64decode(self.key.partition(" ")[2])).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
