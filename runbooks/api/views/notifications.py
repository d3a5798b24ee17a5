"""Where messages go, what became of them, and how one wants one's own."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access.fetch import require
from runbooks.api.base import ApiView
from runbooks.api.notification_shapes import (
    ChoiceIn,
    ChoiceOut,
    DeliveryOut,
    DeliveryWithText,
    EndpointChange,
    EndpointIn,
    EndpointOut,
)
from runbooks.api.shapes import Nothing
from runbooks.audit.reads import record_read
from runbooks.models import Delivery, Endpoint
from runbooks.queries import deliveries as sent
from runbooks.queries import endpoints
from runbooks.usecases.notifications.choose import choose
from runbooks.usecases.notifications.endpoints import (
    archive_endpoint,
    change_endpoint,
    create_endpoint,
    try_endpoint,
)
from runbooks.usecases.notifications.replay import replay
from runbooks.usecases.notifications.ways import NOTHING_CHOSEN, choices_of


class EndpointView(ApiView):
    def endpoint(self, *, action: str) -> Endpoint:
        return endpoints.endpoint(actor=self.actor, endpoint_id=self.kwargs["id"], action=action, now=self.now)


class Endpoints(ApiView):
    @extend_schema(responses=EndpointOut(many=True))
    def get(self, request: Request) -> Response:
        """One's own, and those of places where one may grant, administer or audit."""
        found = endpoints.endpoints(actor=self.actor, archived=self.query("archived") in {"1", "true"}, now=self.now)
        return self.listed(queryset=found, shape=EndpointOut)

    @extend_schema(request=EndpointIn, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """`place` is `installation`, `project:…`, `runbook:…`, or `me` for a way of one's own. Where a webhook's secret
        is not given one is made, and the answer carries it, once: a repeat is a conflict, whatever Idempotency-Key."""
        made, secret = create_endpoint(actor=self.actor, now=self.now, **self.asked(EndpointIn))
        body = {**EndpointOut(made).data, **({"secret": secret} if secret else {})}
        return Response(body, status=201, headers={"Location": f"/api/v1/notifications/endpoints/{made.pk}"})


class EndpointDetail(EndpointView):
    @extend_schema(responses=EndpointOut)
    def get(self, request: Request, id: str) -> Response:
        return Response(EndpointOut(self.endpoint(action="endpoint.read")).data)

    @extend_schema(request=EndpointChange, responses=EndpointOut)
    def patch(self, request: Request, id: str) -> Response:
        found = self.endpoint(action="endpoint.changed")
        change_endpoint(actor=self.actor, endpoint=found, now=self.now, **self.asked(EndpointChange))
        return Response(EndpointOut(found).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Archives it: its secret is destroyed, its slug stays taken."""
        archive_endpoint(actor=self.actor, endpoint=self.endpoint(action="endpoint.archived"), now=self.now)
        return Response(status=204)


class EndpointTest(EndpointView):
    @extend_schema(request=Nothing, responses={202: DeliveryOut})
    def post(self, request: Request, id: str) -> Response:
        """Sends a message that says that it is a test; its delivery tells what became of it."""
        self.asked(Nothing)
        made = try_endpoint(actor=self.actor, endpoint=self.endpoint(action="endpoint.tried"), now=self.now)
        where = {"Location": f"/api/v1/notifications/deliveries/{made.pk}"}
        return Response(DeliveryOut(made).data, status=202, headers=where)


class DeliveryView(ApiView):
    def delivery(self, *, action: str) -> Delivery:
        return sent.delivery(actor=self.actor, delivery_id=self.kwargs["id"], action=action, now=self.now)


class Deliveries(ApiView):
    @extend_schema(responses=DeliveryOut(many=True))
    def get(self, request: Request) -> Response:
        """`state` is delivered, waiting, held (for a digest) or given_up; `recipient` and `endpoint` narrow it down."""
        filters = {name: self.query(name) for name in ("state", "recipient", "endpoint")}
        return self.listed(queryset=sent.deliveries(actor=self.actor, now=self.now, **filters), shape=DeliveryOut)


class DeliveryDetail(DeliveryView):
    @extend_schema(responses=DeliveryWithText)
    def get(self, request: Request, id: str) -> Response:
        """With its text, and each attempt with what was answered."""
        found = self.delivery(action="notification.read")
        decision = sent.may_read_text(actor=self.actor, delivery=found, now=self.now)
        require(decision, action="notification.read", thing=found)
        if found.recipient_id != self.actor.user.pk:
            record_read(actor=self.actor, action="notification.read", thing=found, now=self.now)
        return Response(DeliveryWithText(found).data)


class Replay(DeliveryView):
    @extend_schema(request=Nothing, responses={202: DeliveryOut})
    def post(self, request: Request, id: str) -> Response:
        """Sends it once more, under the same `webhook-id`."""
        self.asked(Nothing)
        found = self.delivery(action="notification.replayed")
        replay(actor=self.actor, delivery=found, now=self.now)
        found.refresh_from_db()
        return Response(DeliveryOut(found).data, status=202)


class MyNotifications(ApiView):
    @extend_schema(responses=ChoiceOut)
    def get(self, request: Request) -> Response:
        chosen = choices_of([self.actor.user]).get(self.actor.user.pk, NOTHING_CHOSEN)
        return Response(ChoiceOut(chosen).data)

    @extend_schema(request=ChoiceIn, responses=ChoiceOut)
    def put(self, request: Request) -> Response:
        """What policy and rules demand is always told; this says by which way, and how soon."""
        choose(actor=self.actor, now=self.now, **self.asked(ChoiceIn))
        return Response(ChoiceOut(choices_of([self.actor.user])[self.actor.user.pk]).data)
