from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.api.base import ApiView
from runbooks.api.idempotency import remembered
from runbooks.api.shapes import GrantIn, GrantOut
from runbooks.queries import grants
from runbooks.usecases.grants.grant_named import grant_named
from runbooks.usecases.grants.revoke import revoke


class Grants(ApiView):
    @extend_schema(responses=GrantOut(many=True))
    def get(self, request: Request) -> Response:
        """Revoked and expired ones too: what held when stays answerable."""
        return self.listed(queryset=grants.grants(actor=self.actor, now=self.now), shape=GrantOut)

    @extend_schema(request=GrantIn, responses={201: GrantOut})
    @remembered
    def post(self, request: Request) -> Response:
        asked = self.asked(GrantIn)
        made = grant_named(
            actor=self.actor,
            principal=asked["principal"],
            place=asked["object"],
            rights=asked["rights"],
            expires_at=asked["expires_at"],
            limits=asked["limits"],
            reason=asked["reason"],
            now=self.now,
        )
        return Response(GrantOut(made).data, status=201, headers={"Location": f"/api/v1/grants/{made.pk}"})


class GrantDetail(ApiView):
    @extend_schema(responses=GrantOut)
    def get(self, request: Request, id: str) -> Response:
        return Response(GrantOut(grants.grant(actor=self.actor, grant_id=id, now=self.now)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Revokes it; the row stays."""
        found = grants.grant(actor=self.actor, grant_id=id, action="grant.revoked", now=self.now)
        revoke(actor=self.actor, grant=found, now=self.now)
        return Response(status=204)
