"""The shapes of machines and their keys."""

from typing import Any

from rest_framework import serializers

from runbooks.api.shapes import Body, Text
from runbooks.models import HostKey, Node
from runbooks.usecases.runs.tell import rfc3339


class NodeChangeIn(Body):
    """What each field may hold is checked by `domain.nodes.clean_node`, with pointers."""

    host = serializers.JSONField(required=False)
    port = serializers.JSONField(required=False)
    user = serializers.JSONField(required=False)
    tags = serializers.JSONField(required=False)
    attributes = serializers.JSONField(required=False)
    zone = serializers.JSONField(required=False)
    jump = serializers.JSONField(required=False)
    private_key = Text(required=False, max_length=130)
    password = Text(required=False, max_length=130)
    archived = serializers.BooleanField(required=False)


class NodeIn(NodeChangeIn):
    name = serializers.JSONField()
    project = Text(required=False, default="")
    host_keys = serializers.JSONField(required=False)
    archived = None  # type: ignore[assignment]  # a new one is not


class NodesImportIn(Body):
    project = Text(required=False, default="")
    nodes = serializers.JSONField(required=False)
    ansible = serializers.JSONField(required=False)


class MaintenanceIn(Body):
    reason = Text(max_length=2000)
    starts_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    ends_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class HostKeyIn(Body):
    key = Text(max_length=20_000)


class HostKeyOut(serializers.ModelSerializer[HostKey]):
    decided_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = HostKey
        fields = ["id", "kind", "fingerprint", "key", "state", "seen_at", "decided_by", "decided_at"]


class NodeOut(serializers.ModelSerializer[Node]):
    project = serializers.SerializerMethodField()
    jump = serializers.SerializerMethodField()
    private_key = serializers.SerializerMethodField()
    password = serializers.SerializerMethodField()
    tags = serializers.ListField(child=serializers.CharField())
    attributes = serializers.DictField(child=serializers.CharField())
    host_keys = HostKeyOut(many=True)
    maintenance = serializers.SerializerMethodField()

    class Meta:
        model = Node
        fields = [
            "id", "name", "project", "host", "port", "user", "tags", "attributes", "zone", "jump", "private_key",
            "password", "source", "revision", "created_at", "archived_at", "last_contact", "key_asked_at",
            "key_looked_at", "key_found", "maintenance", "host_keys",
        ]  # fmt: skip

    def get_private_key(self, node: Node) -> str | None:
        return node.private_key.path if node.private_key else None

    def get_password(self, node: Node) -> str | None:
        return node.password.path if node.password else None

    def get_maintenance(self, node: Node) -> dict[str, Any] | None:
        if node.maintenance_from is None:
            return None
        by = node.maintenance_by.username if node.maintenance_by else None
        times = {"starts_at": rfc3339(node.maintenance_from)}
        times["ends_at"] = rfc3339(node.maintenance_until) if node.maintenance_until else None
        return {**times, "by": by, "reason": node.maintenance_reason}

    def get_project(self, node: Node) -> str | None:
        return node.project.slug if node.project else None

    def get_jump(self, node: Node) -> str | None:
        return node.jump.path if node.jump else None
