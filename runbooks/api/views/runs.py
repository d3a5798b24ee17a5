"""Runs: start, look, read, stop. The event stream is `runbooks.live.stream`, outside Django's request cycle."""

from collections.abc import Sequence
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access import fetch
from runbooks.access.fetch import require_right
from runbooks.api.base import ApiView
from runbooks.api.idempotency import remembered
from runbooks.api.log_response import log_response
from runbooks.api.shapes import Nothing, RerunIn, RunIn, RunOut, StepRunOut
from runbooks.audit.reads import record_read
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Run
from runbooks.queries.runs import runs, with_output_seen_by
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.preview import preview
from runbooks.usecases.runs.rerun import rerun
from runbooks.usecases.runs.start import Request as Asked
from runbooks.usecases.runs.start import start


class RunView(ApiView):
    """What scripts left besides their log is withheld like the log itself."""

    def context_of(self, rows: Sequence[Run]) -> dict[str, Any]:
        return {"output_of": with_output_seen_by(actor=self.actor, runs=rows, now=self.now)}

    def as_json(self, run: Run) -> dict[str, Any]:
        prefetch_related_objects([run], "step_runs")
        return dict(RunOut(run, context=self.context_of([run])).data)

    def accepted(self, run: Run) -> Response:
        return Response(self.as_json(run), status=202, headers={"Location": f"/api/v1/runs/{run.pk}"})


class Runs(RunView):
    @extend_schema(responses=RunOut(many=True))
    def get(self, request: Request) -> Response:
        filters = {name: self.query(name) for name in ("runbook", "status", "requested_by")}
        return self.listed(queryset=runs(actor=self.actor, now=self.now, **filters), shape=RunOut)

    @extend_schema(request=RunIn, responses={202: RunOut, 200: OpenApiTypes.OBJECT})
    @remembered
    def post(self, request: Request) -> Response:
        """202 with the run; with `dry_run` 200 with the plan, and nothing happens."""
        asked = self.asked(RunIn)
        project, slash, slug = asked["runbook"].partition("/")
        if not slash:
            raise Invalid([Problem("/runbook", "invalid_runbook", "Name it as “project/runbook”.")])
        runbook = fetch.runbook(actor=self.actor, project=project, slug=slug, action="run.requested", now=self.now)
        wanted = Asked(values=asked["parameters"], reason=asked["reason"], number=asked["version"])
        if asked["dry_run"]:
            plan = preview(actor=self.actor, runbook=runbook, request=wanted, now=self.now)
            return Response({"plan": plan.as_json(), "plan_hash": plan.hash})
        return self.accepted(start(actor=self.actor, runbook=runbook, request=wanted, now=self.now))


class OneRun(RunView):
    action = "run.read"

    def run(self) -> Run:
        return fetch.run(actor=self.actor, run_id=self.kwargs["id"], action=self.action, now=self.now)


class RunDetail(OneRun):
    @extend_schema(responses=RunOut)
    def get(self, request: Request, id: str) -> Response:
        return Response(self.as_json(self.run()))


class Steps(OneRun):
    @extend_schema(responses=StepRunOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        run = self.run()
        prefetch_related_objects([run], "step_runs")
        steps = StepRunOut(run.step_runs.all(), many=True, context=self.context_of([run]))
        return Response({"results": steps.data, "next": None})


class Log(OneRun):
    action = "run.output_read"

    @extend_schema(responses={(200, "text/plain"): bytes, (206, "text/plain"): bytes})
    def get(self, request: Request, id: str) -> HttpResponseBase:
        """The exact bytes, with `Range`; `step` and `node` narrow it; `Accept: application/jsonl` gives timed lines."""
        run = self.run()
        require_right(actor=self.actor, right="see_output", place=run.runbook, action=self.action, now=self.now)
        record_read(actor=self.actor, action=self.action, thing=run, now=self.now)
        return log_response(run=run, request=request)


class Cancel(OneRun):
    action = "run.cancel_requested"

    @extend_schema(request=Nothing, responses={202: RunOut})
    def post(self, request: Request, id: str) -> Response:
        run = self.run()
        self.asked(Nothing)
        cancel(actor=self.actor, run=run, now=self.now)
        return self.accepted(run)


class Rerun(OneRun):
    action = "run.requested"

    @extend_schema(request=RerunIn, responses={202: RunOut})
    @remembered
    def post(self, request: Request, id: str) -> Response:
        """A new run with the same values, of the published version, or with `same_version` of the very same one."""
        run, asked = self.run(), self.asked(RerunIn)
        return self.accepted(rerun(actor=self.actor, run=run, same_version=asked["same_version"], now=self.now))
