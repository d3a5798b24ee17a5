"""Who am I, and may I?"""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access.actors import by_session
from runbooks.access.fetch import require_right
from runbooks.access.names import place_named, user_named
from runbooks.access.rights import may
from runbooks.api.base import ApiView
from runbooks.api.shapes import AuthzIn, UserOut
from runbooks.usecases.grants.explain import explained


class Me(ApiView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """The account behind the credential, what kind of credential it is, and what it is limited to."""
        account = UserOut(self.actor.user).data
        return Response({**account, "via": self.actor.via, "scopes": sorted(self.actor.scopes)})


class AuthzCheck(ApiView):
    @extend_schema(request=AuthzIn, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """Whether one has a right on an object, and why not; to run something also with which values, and within which
        limits. Asking for others needs `grant` or `audit` there."""
        asked = self.asked(AuthzIn)
        place = place_named(
            actor=self.actor, text=asked["object"], pointer="/object", action="authz.checked", now=self.now
        )
        actor = self.actor
        if asked["as"] and asked["as"] != actor.name:
            right = "audit" if may(actor=actor, right="audit", place=place, now=self.now) else "grant"
            require_right(actor=actor, right=right, place=place, action="authz.checked", now=self.now)
            actor = by_session(
                user=user_named(name=asked["as"].removeprefix("user:"), pointer="/as"), ip="", request_id=""
            )
        found = explained(actor=actor, right=asked["action"], place=place, values=asked["parameters"], now=self.now)
        decision = found.decision
        return Response({"allowed": decision.allowed, "reasons": list(decision.reasons), "limits": list(found.limits)})
