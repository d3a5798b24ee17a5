"""The evidence of a run: all that is known of how it came about and what it did, in one document."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access import fetch
from runbooks.api.run_shapes import StepRunOut
from runbooks.api.shapes import AuditEventOut, VersionOut
from runbooks.api.views.runs import OneRun
from runbooks.audit.reads import record_read
from runbooks.models import Run
from runbooks.queries.evidence import (
    ACTION,
    artifact_facts,
    audit_events,
    frozen_plan,
    integrity_facts,
    manifest,
    note_facts,
    output_facts,
    require_evidence,
)
from runbooks.queries.runs import children_of


class Evidence(OneRun):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, id: str) -> Response:
        """What a script wrote is named by its hash; what else it left is told only to those who see output."""
        run = fetch.run(actor=self.actor, run_id=id, action=ACTION, now=self.now)
        held = require_evidence(actor=self.actor, run=run, now=self.now)
        record_read(actor=self.actor, action=ACTION, thing=run, now=self.now)
        answer = Response(self._document(run, sees_output="see_output" in held))
        answer["Content-Disposition"] = f'attachment; filename="evidence-{run.pk}.json"'
        return answer

    def _document(self, run: Run, *, sees_output: bool) -> dict[str, object]:
        events = list(audit_events(run=run))
        told = self.as_json(run)
        context = self.context_of([run]) | {"children": children_of(run)}
        steps = StepRunOut(run.step_runs.all(), many=True, context=context).data
        return {
            "made_at": self.now,
            "made_by": self.actor.name,
            "run": told,
            "plan": frozen_plan(run),
            "version": {**VersionOut(run.version).data, "definition": manifest(run)},
            "steps": steps,
            "output": output_facts(run=run),
            "artifacts": artifact_facts(run=run, named=sees_output),
            "notes": note_facts(run=run, told=sees_output),
            "audit": [AuditEventOut(event).data for event in events],
            "integrity": integrity_facts(events),
        }
