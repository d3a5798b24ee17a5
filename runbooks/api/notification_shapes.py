"""The shapes of endpoints, messages and choices. A secret goes in; what comes out has it once, where we made it."""

from typing import Any

from rest_framework import serializers

from runbooks.api.shapes import Body, Text
from runbooks.domain.notices import EVENTS
from runbooks.models import Delivery, DeliveryAttempt, Endpoint, EndpointKind
from runbooks.queries.deliveries import state_of
from runbooks.usecases.notifications.choose import PACES, REQUESTED

MOST_EVENTS = len(EVENTS)


class EndpointIn(Body):
    place = Text()
    slug = Text()
    title = Text()
    kind = serializers.ChoiceField(choices=list(EndpointKind))
    address = Text(write_only=True, max_length=2000)
    events = serializers.ListField(child=Text(), required=False, default=list, max_length=MOST_EVENTS)
    secret = Text(required=False, default="", write_only=True, max_length=200)


class EndpointChange(Body):
    title = Text(required=False)
    address = Text(required=False, write_only=True, max_length=2000)
    events = serializers.ListField(child=Text(), required=False, max_length=MOST_EVENTS)
    secret = Text(required=False, write_only=True, max_length=200)


class EndpointOut(serializers.ModelSerializer[Endpoint]):
    place = serializers.CharField(source="place_name")
    created_by = serializers.CharField(source="created_by.username")
    address = serializers.CharField(source="shown_address")  # with many services the whole of it is a secret

    class Meta:
        model = Endpoint
        fields = [
            "id",
            "place",
            "slug",
            "title",
            "kind",
            "address",
            "events",
            "created_by",
            "created_at",
            "archived_at",
        ]


class AttemptOut(serializers.ModelSerializer[DeliveryAttempt]):
    class Meta:
        model = DeliveryAttempt
        fields = ["at", "code", "error", "said"]


class DeliveryOut(serializers.ModelSerializer[Delivery]):
    """Without its text, which not everybody may read who sees that it was sent."""

    recipient = serializers.SerializerMethodField()
    endpoint = serializers.SerializerMethodField()
    runbook = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()

    class Meta:
        model = Delivery
        fields = [
            "id", "event", "subject", "recipient", "endpoint", "channel", "address", "run", "runbook", "link", "state",
            "created_at", "held_until", "next_attempt_at", "attempts", "delivered_at", "last_error",
        ]  # fmt: skip

    def get_recipient(self, delivery: Delivery) -> str | None:
        return delivery.recipient.username if delivery.recipient else None

    def get_endpoint(self, delivery: Delivery) -> str | None:
        return str(delivery.endpoint_id) if delivery.endpoint_id else None

    def get_runbook(self, delivery: Delivery) -> str | None:
        return delivery.runbook.path if delivery.runbook else None

    def get_state(self, delivery: Delivery) -> str:
        return state_of(delivery)


class DeliveryWithText(DeliveryOut):
    tries = AttemptOut(many=True)

    class Meta(DeliveryOut.Meta):
        fields = [*DeliveryOut.Meta.fields, "text", "tries"]


class ChoiceIn(Body):
    pace = serializers.ChoiceField(choices=PACES)
    requested = serializers.ChoiceField(choices=REQUESTED)
    by_email = serializers.BooleanField()
    endpoints = serializers.ListField(child=Text(), required=False, default=list, max_length=20)


class ChoiceOut(serializers.Serializer[Any]):
    pace = serializers.CharField()
    requested = serializers.CharField()
    by_email = serializers.BooleanField()
    endpoints = serializers.SerializerMethodField()

    def get_endpoints(self, choice: Any) -> list[str]:
        return sorted(endpoint.slug for endpoint in choice.endpoints)
