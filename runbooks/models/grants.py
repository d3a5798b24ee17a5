"""Grants: who may do what, where, within which limits, until when.

A `Grant` is the truth and is never deleted. For each of its rights there is one row of django-guardian's direct
foreign-key models, tied to the grant; every read of those rows joins the grant's validity.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from runbooks.domain.limits import in_words, limits_of
from runbooks.models.ids import new_id
from runbooks.models.nodes import Node
from runbooks.models.people import Group, User
from runbooks.models.projects import Installation, Project, Runbook
from runbooks.models.secrets import Secret


def _exactly_one(*fields: str) -> Q:
    condition = Q()
    for chosen in fields:
        condition |= Q(**{f"{field}__isnull": field != chosen for field in fields})
    return condition


class Grant(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="grants")
    group = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, related_name="grants")
    installation = models.ForeignKey(Installation, on_delete=models.PROTECT, null=True, related_name="grants")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="grants")
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, null=True, related_name="grants")
    node = models.ForeignKey(Node, on_delete=models.PROTECT, null=True, related_name="grants")
    secret = models.ForeignKey(Secret, on_delete=models.PROTECT, null=True, related_name="grants")
    rights = models.JSONField()
    limits = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="a_grant_has_one_principal",
                condition=Q(user__isnull=False, group__isnull=True) | Q(user__isnull=True, group__isnull=False),
            ),
            models.CheckConstraint(
                name="a_grant_has_one_object",
                condition=_exactly_one("installation", "project", "runbook", "node", "secret"),
            ),
        ]

    @property
    def principal_name(self) -> str:
        return f"user:{self.user.username}" if self.user else f"group:{self.group.slug}" if self.group else ""

    @property
    def limited_to(self) -> str:
        """The limits in words; nothing where there are none."""
        return in_words(limits_of(self.limits))

    @property
    def place(self) -> Installation | Project | Runbook | Node | Secret:
        """What the rights are on."""
        place = self.secret or self.node or self.runbook or self.project or self.installation
        assert place is not None
        return place

    @property
    def object_name(self) -> str:
        if self.node:
            return f"node:{self.node.path}"
        if self.project:
            return f"project:{self.project.slug}"
        if self.secret:
            return f"secret:{self.secret.path}"
        return f"runbook:{self.runbook.path}" if self.runbook else "installation"


class _UserRow(UserObjectPermissionBase):
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="+")

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True
        default_permissions = ()
        unique_together = ["user", "permission", "content_object", "grant"]


class _GroupRow(GroupObjectPermissionBase):
    # Our groups have dated members; auth's have not.
    group = models.ForeignKey(Group, on_delete=models.CASCADE)  # type: ignore[assignment]
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="+")

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = True
        default_permissions = ()
        unique_together = ["group", "permission", "content_object", "grant"]


class InstallationUserRight(_UserRow):
    content_object = models.ForeignKey(Installation, on_delete=models.CASCADE)


class InstallationGroupRight(_GroupRow):
    content_object = models.ForeignKey(Installation, on_delete=models.CASCADE)


class ProjectUserRight(_UserRow):
    content_object = models.ForeignKey(Project, on_delete=models.CASCADE)


class ProjectGroupRight(_GroupRow):
    content_object = models.ForeignKey(Project, on_delete=models.CASCADE)


class RunbookUserRight(_UserRow):
    content_object = models.ForeignKey(Runbook, on_delete=models.CASCADE)


class RunbookGroupRight(_GroupRow):
    content_object = models.ForeignKey(Runbook, on_delete=models.CASCADE)


class NodeUserRight(_UserRow):
    content_object = models.ForeignKey(Node, on_delete=models.CASCADE)


class NodeGroupRight(_GroupRow):
    content_object = models.ForeignKey(Node, on_delete=models.CASCADE)


class SecretUserRight(_UserRow):
    content_object = models.ForeignKey(Secret, on_delete=models.CASCADE)


class SecretGroupRight(_GroupRow):
    content_object = models.ForeignKey(Secret, on_delete=models.CASCADE)
