"""Runs: start, look, read, stop. The event stream is `runbooks.live.stream`, outside Django's request cycle."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access import fetch
from runbooks.access.fetch import require_right
from runbooks.access.rights import rights_on
from runbooks.api.approval_shapes import told_ahead
from runbooks.api.base import ApiView
from runbooks.api.idempotency import remembered
from runbooks.api.log_response import log_response
from runbooks.api.run_shapes import CompleteIn, RerunIn, ResumeIn, RunIn, RunOut, StepRunOut
from runbooks.api.shapes import Nothing
from runbooks.audit.reads import record_read
from runbooks.domain.files import uploads_of
from runbooks.domain.pauses import MOST_EVIDENCE
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import Run
from runbooks.queries.paging import LARGEST, checked_size, page
from runbooks.queries.runs import all_steps, children_of, runs, with_output_seen_by, with_steps
from runbooks.usecases.approvals.ahead import ahead_of
from runbooks.usecases.runs.cancel import cancel
from runbooks.usecases.runs.complete import Said, complete
from runbooks.usecases.runs.may_start import may_start
from runbooks.usecases.runs.preview import preview
from runbooks.usecases.runs.rerun import rerun
from runbooks.usecases.runs.resume import resume
from runbooks.usecases.runs.start import Request as Asked
from runbooks.usecases.runs.start import start
from runbooks.usecases.versions.binding import binding_definition


class RunView(ApiView):
    """What scripts left besides their log is withheld like the log itself."""

    def context_of(self, rows: Sequence[Run]) -> dict[str, Any]:
        return {"output_of": with_output_seen_by(actor=self.actor, runs=rows, now=self.now)}

    def as_json(self, run: Run) -> dict[str, Any]:
        with_steps(run)
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
        wanted = Asked(
            values=asked["parameters"],
            reason=asked["reason"],
            number=asked["version"],
            targets=tuple(asked["targets"]),
            plan_hash=asked["plan_hash"],
            breaks_glass=asked["break_glass"],
        )
        if asked["dry_run"]:
            plan = preview(actor=self.actor, runbook=runbook, request=wanted, now=self.now)
            version = may_start(actor=self.actor, runbook=runbook, number=wanted.number, now=self.now)
            definition = binding_definition(version)
            need = ahead_of(actor=self.actor, runbook=runbook, definition=definition, plan=plan, now=self.now)
            return Response({"plan": plan.as_json(), "plan_hash": plan.hash, "approval": told_ahead(need)})
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
        """In the order in which they came to be, on single nodes too; `step`, `node` and `status` narrow it down."""
        run = with_steps(self.run())
        asked = {name: self.query(name) for name in ("step", "node", "status")}
        size = checked_size(self.query("limit") or str(LARGEST))
        found = page(queryset=all_steps(run=run, **asked), cursor=self.query("cursor"), size=size, forward=True)
        sees_output = "see_output" in rights_on(actor=self.actor, place=run.runbook, now=self.now)
        context = {"output_of": {run.pk} if sees_output else set(), "children": children_of(run)}
        steps = StepRunOut(found.results, many=True, context=context)
        return Response({"results": steps.data, "next": found.next})


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
        """A new run with the same values on the same nodes, of the published version, or with `same_version` of the
        very same one; with `failed_nodes` only where the first did not succeed."""
        run, asked = self.run(), self.asked(RerunIn)
        started = rerun(
            actor=self.actor,
            run=run,
            same_version=asked["same_version"],
            failed_nodes=asked["failed_nodes"],
            secrets=asked["parameters"],
            now=self.now,
        )
        return self.accepted(started)


class Resume(OneRun):
    action = "run.requested"

    @extend_schema(request=ResumeIn, responses={202: RunOut})
    @remembered
    def post(self, request: Request, id: str) -> Response:
        """A new run of the same version and values, which skips the steps that had succeeded; 409 where there is
        nothing to go on with."""
        run, asked = self.run(), self.asked(ResumeIn)
        return self.accepted(resume(actor=self.actor, run=run, secrets=asked["parameters"], now=self.now))


class CompleteStep(OneRun):
    action = "run.step_completed"

    @extend_schema(request=CompleteIn, responses={202: RunOut})
    def post(self, request: Request, id: str, step: str) -> Response:
        """The answer to a manual step: `approve` goes on, `reject` fails the step. `evidence` is a file, as an object
        of `name` and `content` (in base64), or a list of them."""
        run, asked = self.run(), self.asked(CompleteIn)
        given = asked["evidence"]
        files = () if given is None else uploads_of(given, most=MOST_EVIDENCE, pointer="/evidence")
        said = Said(verdict=asked["verdict"], note=asked["note"], evidence=files)
        complete(actor=self.actor, run=run, step_run_id=step, said=said, now=self.now)
        return self.accepted(run)
