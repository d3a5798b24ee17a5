"""Approvals: the inbox, the verdict on a run, and who may speak for whom."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.api.approval_shapes import ApprovalIn, ApprovalOut, DelegationIn, DelegationOut, told
from runbooks.api.base import ApiView
from runbooks.api.run_shapes import RunOut
from runbooks.api.views.runs import OneRun
from runbooks.domain.problems import Invalid, Problem
from runbooks.queries.approvals import (
    delegation,
    delegations,
    past,
    progress_of,
    request_of,
    waiting,
    waiting_for,
)
from runbooks.queries.paging import checked_size, page
from runbooks.usecases.approvals.delegate import delegate, take_back
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.runs.approve import decide

MOST = 200


class Approvals(ApiView):
    @extend_schema(responses=ApprovalOut(many=True))
    def get(self, request: Request) -> Response:
        """What waits, the most urgent first: `waiting_for=me` for one's own verdict, else all that one sees;
        `waiting_for=nobody` for those that are over, newest first."""
        whom = self.query("waiting_for")
        if whom not in {"", "me", "nobody"}:
            raise Invalid([Problem("/waiting_for", "invalid_choice", "This is me or nobody, or left out.")])
        if whom == "nobody":
            size = checked_size(self.query("limit"))
            found = page(queryset=past(actor=self.actor, now=self.now), cursor=self.query("cursor"), size=size)
            rows, following = [progress_of(one, now=self.now) for one in found.results], found.next
        elif whom == "me":
            rows, following = waiting_for(actor=self.actor, now=self.now, most=MOST), None
        else:
            requests = waiting(actor=self.actor, now=self.now)[:MOST]
            rows, following = [progress_of(one, now=self.now) for one in requests], None
        shown = [told(one, actor=self.actor, now=self.now) for one in rows]
        return Response({"results": shown, "next": following})


class RunApproval(OneRun):
    action = "run.approval_given"

    @extend_schema(responses=ApprovalOut)
    def get(self, request: Request, id: str) -> Response:
        """What was asked for this run and what was said; 409 where it needs no approval."""
        self.action = "run.read"
        asked = request_of(self.run())
        if asked is None:
            raise Conflict("This run needs no approval.", code="not_awaiting")
        return Response(told(progress_of(asked, now=self.now), actor=self.actor, now=self.now))

    @extend_schema(request=ApprovalIn, responses={200: RunOut})
    def post(self, request: Request, id: str) -> Response:
        """A verdict on exactly the plan that `plan_hash` names; another one is 409."""
        run, asked = self.run(), self.asked(ApprovalIn)
        said = {"verdict": asked["verdict"], "comment": asked["comment"], "digest": asked["plan_hash"]}
        decide(actor=self.actor, run=run, now=self.now, **said)
        return Response(self.as_json(self.run()))


class Delegations(ApiView):
    @extend_schema(responses=DelegationOut(many=True))
    def get(self, request: Request) -> Response:
        return self.listed(queryset=delegations(actor=self.actor, now=self.now), shape=DelegationOut)

    @extend_schema(request=DelegationIn, responses={201: DelegationOut})
    def post(self, request: Request) -> Response:
        """Lets another person approve in one's place, until a moment within a month."""
        asked = self.asked(DelegationIn)
        words = {"to": asked["delegate"], "until": asked["ends_at"], "reason": asked["reason"]}
        made = delegate(actor=self.actor, now=self.now, **words)
        return Response(DelegationOut(made).data, status=201)


class DelegationDetail(ApiView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        found = delegation(actor=self.actor, delegation_id=id, now=self.now)
        take_back(actor=self.actor, delegation=found, now=self.now)
        return Response(status=204)
