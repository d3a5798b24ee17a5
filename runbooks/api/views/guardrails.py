from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.api.base import ApiView
from runbooks.api.guardrail_shapes import CloseIn, FreezeIn, FreezeOut, KillSwitchIn, ReviewOut
from runbooks.api.idempotency import remembered
from runbooks.queries import guardrails
from runbooks.usecases.guardrails.break_glass import close
from runbooks.usecases.guardrails.freeze import freeze, lift
from runbooks.usecases.guardrails.places import guarded_place
from runbooks.usecases.guardrails.stop import switch


class Freezes(ApiView):
    @extend_schema(responses=FreezeOut(many=True))
    def get(self, request: Request) -> Response:
        """Those of what one sees, lifted and past ones too; `?state=open` for those that are neither."""
        found = guardrails.freezes(actor=self.actor, now=self.now)
        if self.query("state") == "open":
            found = guardrails.open_freezes(found, now=self.now)
        return self.listed(queryset=found, shape=FreezeOut)

    @extend_schema(request=FreezeIn, responses={201: FreezeOut})
    @remembered
    def post(self, request: Request) -> Response:
        """Nothing starts there meanwhile, whoever triggers."""
        asked = self.asked(FreezeIn)
        place = guarded_place(actor=self.actor, text=asked.pop("object"), action="freeze.created", now=self.now)
        made = freeze(actor=self.actor, place=place, now=self.now, **asked)
        return Response(FreezeOut(made).data, status=201, headers={"Location": f"/api/v1/freezes/{made.pk}"})


class FreezeDetail(ApiView):
    @extend_schema(responses=FreezeOut)
    def get(self, request: Request, id: str) -> Response:
        return Response(FreezeOut(guardrails.freeze(actor=self.actor, freeze_id=id, now=self.now)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Lifts it; the row stays."""
        found = guardrails.freeze(actor=self.actor, freeze_id=id, action="freeze.lifted", now=self.now)
        lift(actor=self.actor, freeze=found, now=self.now)
        return Response(status=204)


class KillSwitch(ApiView):
    @extend_schema(request=KillSwitchIn, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """Off, no run of the installation, a project or a runbook starts, and no further step."""
        asked = self.asked(KillSwitchIn)
        place = guarded_place(actor=self.actor, text=asked["object"], action="kill_switch.set", now=self.now)
        accepts = asked["accepts_runs"]
        switch(actor=self.actor, place=place, accepts=accepts, reason=asked["reason"], now=self.now)
        return Response({"object": asked["object"], "accepts_runs": accepts})


class Reviews(ApiView):
    @extend_schema(responses=ReviewOut(many=True))
    def get(self, request: Request) -> Response:
        """Of runs whose start broke the glass; `?state=open` for those that nobody has closed."""
        found = guardrails.reviews(actor=self.actor, now=self.now)
        if self.query("state") == "open":
            found = found.filter(closed_at=None)
        return self.listed(queryset=found, shape=ReviewOut)


class CloseReview(ApiView):
    @extend_schema(request=CloseIn, responses=ReviewOut)
    def post(self, request: Request, id: str) -> Response:
        """With what was found. Never by who broke the glass."""
        found = guardrails.review(actor=self.actor, review_id=id, now=self.now)
        close(actor=self.actor, review=found, comment=self.asked(CloseIn)["comment"], now=self.now)
        found.refresh_from_db()
        return Response(ReviewOut(found).data)
