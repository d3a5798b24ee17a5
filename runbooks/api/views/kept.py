"""What is kept beside a run's log: artifacts and notes. Whoever may read the log may read them."""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access import fetch
from runbooks.access.fetch import Hidden, require_right
from runbooks.api.idempotency import remembered
from runbooks.api.kept_shapes import ArtifactOut, NoteIn, NoteOut
from runbooks.api.views.runs import OneRun
from runbooks.audit.reads import record_read
from runbooks.live.pieces import OutputRemoved
from runbooks.models import Artifact, Run
from runbooks.usecases.runs.artifacts import content_of
from runbooks.usecases.runs.note import add_note

_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f"\\/:*?<>|\u202a-\u202e\u2066-\u2069]')


class OfRun(OneRun):
    action = "run.output_read"

    def context_of(self, rows: Sequence[Any]) -> dict[str, Any]:
        return {}

    def readable_run(self) -> Run:
        run = self.run()
        require_right(actor=self.actor, right="see_output", place=run.runbook, action=self.action, now=self.now)
        return run


class Artifacts(OfRun):
    @extend_schema(responses=ArtifactOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        run = self.readable_run()
        record_read(actor=self.actor, action=self.action, thing=run, now=self.now)
        return self.listed(queryset=Artifact.objects.filter(run=run).select_related("step_run"), shape=ArtifactOut)


class ArtifactDetail(OfRun):
    action = "run.artifact_read"

    @extend_schema(responses={(200, "application/octet-stream"): bytes})
    def get(self, request: Request, id: str, artifact: str) -> HttpResponseBase:
        """The exact bytes, always as a download."""
        run = self.readable_run()
        key = fetch.as_uuid(artifact)
        found = Artifact.objects.select_related("run__runbook").filter(run=run, pk=key).first() if key else None
        if found is None:
            raise Hidden(action=self.action, kind="artifact", name=artifact[:64])
        if run.output_removed_at:
            raise OutputRemoved(run.output_removed_at)
        record_read(actor=self.actor, action=self.action, thing=found, now=self.now)
        return _download(found)


class Notes(OfRun):
    @extend_schema(responses=NoteOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        run = self.readable_run()
        record_read(actor=self.actor, action=self.action, thing=run, now=self.now)
        return self.listed(queryset=run.notes.select_related("author"), shape=NoteOut)

    @extend_schema(request=NoteIn, responses={201: NoteOut})
    @remembered
    def post(self, request: Request, id: str) -> Response:
        run = fetch.run(actor=self.actor, run_id=id, action="run.noted", now=self.now)
        note = add_note(actor=self.actor, run=run, text=self.asked(NoteIn)["text"], now=self.now)
        return Response(NoteOut(note).data, status=201)


def _download(artifact: Artifact) -> StreamingHttpResponse:
    """Made by a script of whomever: never shown by a browser, never run in it."""
    pieces = content_of(artifact)
    first = next(pieces)  # what can't be read at all is told as such
    answer = StreamingHttpResponse(chain([first], pieces), content_type="application/octet-stream")
    answer["Content-Length"] = str(artifact.size)
    answer["Content-Disposition"] = content_disposition_header(True, _file_name(artifact.name)) or "attachment"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _file_name(name: str) -> str:
    last = _UNFIT.sub("_", name.rpartition("/")[2])[:200]
    return last.lstrip(".") or "artifact"
