"""What proves the log: checkpoints, proofs, leaves, keys, and all of it to take along."""

import base64
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access.fetch import installation
from runbooks.api.base import ApiView
from runbooks.api.log_search import number
from runbooks.api.shapes import Body
from runbooks.audit.export import as_lines
from runbooks.audit.reads import record_read
from runbooks.models import AuditCheckpoint, AuditHold
from runbooks.queries.integrity import (
    EXPORTED,
    checkpoint,
    checkpoints,
    consistency,
    holds,
    inclusion,
    leaf,
    leaf_facts,
    public_keys,
    whole_log,
    with_cosignatures,
)
from runbooks.usecases.audit.cosign import keep_cosignatures
from runbooks.usecases.audit.hold import lift_hold, place_hold

MOST = 10**15


class CheckpointOut(serializers.Serializer[AuditCheckpoint]):
    """A signed head of the log; `note` is in C2SP's tlog-checkpoint form, with the cosignatures that it has."""

    def to_representation(self, found: AuditCheckpoint) -> dict[str, Any]:
        return {
            "size": found.size,
            "root": base64.b64encode(bytes(found.root)).decode(),
            "made_at": found.made_at,
            "note": with_cosignatures(found),
        }


class CosignaturesIn(Body):
    lines = serializers.CharField(max_length=20_000, allow_blank=True, help_text="Lines as C2SP writes them.")


class LatestCheckpoint(ApiView):
    @extend_schema(responses=CheckpointOut)
    def get(self, request: Request) -> Response:
        return Response(CheckpointOut(checkpoint(actor=self.actor, size=None, now=self.now)).data)


class Checkpoints(ApiView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Newest first."""
        found = checkpoints(actor=self.actor, now=self.now)
        return self.listed(queryset=found, shape=CheckpointOut)


class CheckpointDetail(ApiView):
    @extend_schema(responses=CheckpointOut)
    def get(self, request: Request, size: int) -> Response:
        return Response(CheckpointOut(checkpoint(actor=self.actor, size=size, now=self.now)).data)


class Cosignatures(ApiView):
    @extend_schema(request=CosignaturesIn, responses=CheckpointOut)
    def post(self, request: Request, size: int) -> Response:
        """From witnesses that OPSAAS_AUDIT_WITNESSES names."""
        lines = self.asked(CosignaturesIn)["lines"]
        witnesses = settings.OPSAAS_AUDIT_WITNESSES
        found = keep_cosignatures(actor=self.actor, size=size, lines=lines, witnesses=witnesses, now=self.now)
        return Response(CheckpointOut(found).data)


class Consistency(ApiView):
    @extend_schema(
        parameters=[OpenApiParameter("from", int), OpenApiParameter("to", int)], responses=OpenApiTypes.OBJECT
    )
    def get(self, request: Request) -> Response:
        """RFC 6962, 2.1.2: that the first `from` events are still the first of `to`."""
        old = number(self.query("from"), "/from", default=0, most=MOST)
        new = number(self.query("to"), "/to", default=0, most=MOST)
        return Response(consistency(actor=self.actor, old=old, new=new, now=self.now))


class Leaf(ApiView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, seq: int) -> Response:
        """SHA-256 of 0x00 and the event in canonical form."""
        found = leaf(actor=self.actor, seq=seq, now=self.now)
        return Response(leaf_facts(found))


class Inclusion(ApiView):
    @extend_schema(parameters=[OpenApiParameter("size", int)], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, seq: int) -> Response:
        """RFC 6962, 2.1.1: that the event is among the first `size`; without it, under the latest checkpoint."""
        size = number(self.query("size"), "/size", default=0, most=MOST) or None
        return Response(inclusion(actor=self.actor, seq=seq, size=size, now=self.now))


class Keys(ApiView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Every public key that ever signed a checkpoint."""
        return Response({"results": public_keys(actor=self.actor, now=self.now)})


class Export(ApiView):
    @extend_schema(responses=OpenApiTypes.BINARY)
    def get(self, request: Request) -> HttpResponseBase:
        """All of the log, as JSON lines that `opsaas audit verify` and the stand-alone verifier read."""
        records = whole_log(actor=self.actor, now=self.now)
        record_read(actor=self.actor, action=EXPORTED, thing=installation(), now=self.now)
        name = f"audit-{self.now:%Y%m%dT%H%M%SZ}.jsonl"
        head = {"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(as_lines(records), content_type="application/jsonl", headers=head)


class HoldOut(serializers.Serializer[AuditHold]):
    """`project` is null for a hold on all events; `lifted_at` is null while it lasts."""

    def to_representation(self, hold: AuditHold) -> dict[str, Any]:
        return {
            "id": str(hold.pk),
            "project": hold.project_name or None,
            "reason": hold.reason,
            "placed_by": hold.placed_by,
            "placed_at": hold.placed_at,
            "lifted_by": hold.lifted_by or None,
            "lifted_at": hold.lifted_at,
        }


class HoldIn(Body):
    project = serializers.CharField(required=False, allow_null=True, max_length=100, help_text="Null: all events.")
    reason = serializers.CharField(max_length=2000)


class LiftIn(Body):
    reason = serializers.CharField(max_length=2000)


class Holds(ApiView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Newest first."""
        return self.listed(queryset=holds(actor=self.actor, now=self.now), shape=HoldOut)

    @extend_schema(request=HoldIn, responses={201: HoldOut})
    def post(self, request: Request) -> Response:
        """From now on retention drops none of these events."""
        asked = self.asked(HoldIn)
        project = asked.get("project") or ""
        hold = place_hold(actor=self.actor, project=project, reason=asked["reason"], now=self.now)
        return Response(HoldOut(hold).data, status=201)


class LiftHold(ApiView):
    @extend_schema(request=LiftIn, responses=HoldOut)
    def post(self, request: Request, id: str) -> Response:
        """By another person than the one who placed it."""
        reason = self.asked(LiftIn)["reason"]
        return Response(HoldOut(lift_hold(actor=self.actor, hold_id=id, reason=reason, now=self.now)).data)
