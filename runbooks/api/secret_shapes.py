"""The shapes of secrets. There is a field for a value on the way in, and none on the way out."""

from rest_framework import serializers

from runbooks.api.shapes import Body, Text
from runbooks.domain.secrecy.secret_values import LONGEST_BYTES
from runbooks.models import Secret

LONGEST_DESCRIPTION = 4000


class SecretIn(Body):
    project = Text()
    slug = Text()
    title = Text()
    description = Text(required=False, default="", max_length=LONGEST_DESCRIPTION)
    value = Text(write_only=True, max_length=LONGEST_BYTES)


class SecretChange(Body):
    title = Text(required=False)
    description = Text(required=False, max_length=LONGEST_DESCRIPTION)
    value = Text(required=False, write_only=True, max_length=LONGEST_BYTES)


class SecretOut(serializers.ModelSerializer[Secret]):
    name = serializers.CharField(source="path")
    project = serializers.CharField(source="project.slug")
    used_by = serializers.SerializerMethodField()

    class Meta:
        model = Secret
        fields = [
            "id", "name", "project", "slug", "title", "description", "created_at", "rotated_at", "last_used_at",
            "archived_at", "used_by",
        ]  # fmt: skip

    def get_used_by(self, secret: Secret) -> list[str]:
        """The runbooks whose published version names it, as far as you see them."""
        return [book.path for book in self.context["used_by"].get(secret.path, [])]
