"""The shapes of what goes in and out: nothing here decides anything."""

import json
from typing import Any

from rest_framework import serializers

from runbooks.domain.rights import RIGHTS
from runbooks.models import (
    AuditEvent,
    Grant,
    Group,
    Membership,
    Project,
    Runbook,
    Token,
    User,
    Version,
)
from runbooks.usecases.versions.lineage import authors_of


class Body(serializers.Serializer[Any]):
    """A body that names a field we do not know is refused: it may have meant something."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            known = ", ".join(sorted(self.fields))
            detail = f"There is no such field; there are {known}." if known else "This takes no fields."
            raise serializers.ValidationError(
                {name: [serializers.ErrorDetail(detail, "unknown_field")] for name in unknown}
            )
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """Text that is kept as it is, and only if it is text."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "allow_blank": True, **more})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Nothing(Body):
    pass


class ProjectIn(Body):
    slug = Text()
    title = Text()


class PersonIn(Body):
    username = Text()
    full_name = Text(required=False, default="", max_length=200)
    email = serializers.EmailField(required=False, default="", allow_blank=True)
    password = Text(required=False, default="", max_length=4096)


class ServiceAccountIn(Body):
    username = Text()
    owner = Text()
    full_name = Text(required=False, default="", max_length=200)


class AccountChangeIn(Body):
    disabled = serializers.BooleanField()
    reason = Text(required=False, default="", max_length=2000)


class GroupIn(Body):
    slug = Text()
    title = Text()


class MemberIn(Body):
    user = Text()
    ends_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class GrantIn(Body):
    principal = Text()
    object = Text()
    rights = serializers.ListField(child=Text(), max_length=20)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    reason = Text(required=False, default="", max_length=2000)
    limits = serializers.DictField(required=False, default=dict)


class TokenIn(Body):
    name = Text(max_length=100)
    user = Text(required=False, default="")
    scopes = serializers.ListField(child=Text(), required=False, default=list, max_length=20)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    kind = serializers.ChoiceField(choices=["api", "cli", "agent"], required=False, default="api")


class AuthzIn(Body):
    action = serializers.ChoiceField(choices=RIGHTS)
    object = Text()
    parameters = serializers.DictField(required=False, allow_null=True, default=None)
    # `as` is a word of Python's own: it is added below.


AuthzIn._declared_fields["as"] = Text(required=False, default="")


class ReviewIn(Body):
    verdict = Text()
    comment = Text(required=False, default="", max_length=20_000)
    hash = Text()


class ProjectOut(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["slug", "title", "created_at", "archived_at"]


class UserOut(serializers.ModelSerializer[User]):
    owner = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = User
        fields = ["username", "full_name", "email", "kind", "owner", "created_at", "disabled_at"]


class GroupOut(serializers.ModelSerializer[Group]):
    class Meta:
        model = Group
        fields = ["slug", "title", "created_at"]


class MembershipOut(serializers.ModelSerializer[Membership]):
    user = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    added_by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = Membership
        fields = ["user", "starts_at", "ends_at", "added_by"]


class GrantOut(serializers.ModelSerializer[Grant]):
    principal = serializers.CharField(source="principal_name")
    object = serializers.CharField(source="object_name")
    rights = serializers.ListField(child=serializers.CharField())
    limited_to = serializers.CharField(help_text="The limits as a sentence, for people.")
    granted_by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = Grant
        fields = [
            "id", "principal", "object", "rights", "limits", "limited_to", "reason", "granted_by", "granted_at",
            "expires_at", "revoked_at",
        ]  # fmt: skip


class TokenOut(serializers.ModelSerializer[Token]):
    user = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    scopes = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Token
        fields = [
            "id",
            "user",
            "name",
            "kind",
            "prefix",
            "scopes",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
        ]


class ReviewOut(serializers.Serializer[Any]):
    by = serializers.CharField(source="by.username")
    verdict = serializers.CharField()
    comment = serializers.CharField()
    hash = serializers.CharField()
    at = serializers.DateTimeField()


class VersionOut(serializers.ModelSerializer[Version]):
    runbook = serializers.CharField(source="runbook.path")
    authors = serializers.SerializerMethodField()
    reviews = ReviewOut(many=True)

    class Meta:
        model = Version
        fields = ["runbook", "number", "hash", "state", "authors", "reviews", "created_at", "published_at"]

    def get_authors(self, version: Version) -> list[str]:
        return [author.username for author in authors_of(version)]


class RunbookOut(serializers.ModelSerializer[Runbook]):
    runbook = serializers.CharField(source="path")
    project = serializers.CharField(source="project.slug")

    class Meta:
        model = Runbook
        fields = ["runbook", "project", "slug", "title", "tags", "alerts", "risk", "created_at", "archived_at"]


class AuditEventOut(serializers.Serializer[AuditEvent]):
    """The event as it was written, with its place in the log."""

    def to_representation(self, event: AuditEvent) -> dict[str, Any]:
        return {"seq": event.seq, **json.loads(bytes(event.body))}  # type: ignore[attr-defined]  # annotated by the query
