"""The shapes of what is kept beside a run's log."""

from rest_framework import serializers

from runbooks.api.shapes import Body, Text
from runbooks.models import Artifact, Note


class NoteIn(Body):
    text = Text()


class NoteOut(serializers.ModelSerializer[Note]):
    author = serializers.CharField(source="author.username")

    class Meta:
        model = Note
        fields = ["id", "author", "text", "created_at"]


class ArtifactOut(serializers.ModelSerializer[Artifact]):
    step = serializers.CharField(source="step_run.step")
    node = serializers.CharField(source="step_run.node")
    attempt = serializers.IntegerField(source="step_run.attempt")

    class Meta:
        model = Artifact
        fields = ["id", "name", "size", "sha256", "step", "node", "attempt", "created_at"]
