"""A run's log over HTTP: exact bytes with ranges, or lines with their numbers and times."""

import json
import re
from collections.abc import Iterator

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from runbooks.live.follow import log_bytes, log_size
from runbooks.live.lines import lines
from runbooks.models import Run

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def log_response(*, run: Run, request: Request) -> HttpResponseBase:
    step, node = request.query_params.get("step", ""), request.query_params.get("node")
    q, as_jsonl = request.query_params.get("q", ""), "application/jsonl" in request.headers.get("Accept", "")
    if q or as_jsonl:
        return _lines_response(lines(run=run, step=step, node=node, q=q), request=request, as_jsonl=as_jsonl)
    size = log_size(run=run, step=step, node=node)
    wanted = _range(request.headers.get("Range", ""), size)
    if wanted is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, stop, partial = wanted
    answer = StreamingHttpResponse(
        log_bytes(run=run, start=start, stop=stop, step=step, node=node),
        status=206 if partial else 200,
        content_type="text/plain; charset=utf-8",
    )
    answer["Content-Length"] = str(stop - start)
    answer["Accept-Ranges"] = "bytes"
    if partial:
        answer["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    if "download" in request.query_params:
        answer["Content-Disposition"] = f'attachment; filename="{run.runbook.slug}-{run.pk}.log"'
    return answer


def _lines_response(found: Iterator[dict[str, object]], *, request: Request, as_jsonl: bool) -> StreamingHttpResponse:
    if as_jsonl:
        return StreamingHttpResponse(_jsonl(found), content_type="application/jsonl; charset=utf-8")
    texts = (f"{line['text']}\n".encode() for line in found)
    return StreamingHttpResponse(texts, content_type="text/plain; charset=utf-8")


def _range(header: str, size: int) -> tuple[int, int, bool] | None:
    """Start, stop and whether it is a part; None where nothing of it is there. What is no range is ignored."""
    found = RANGE.fullmatch(header.strip())
    if not found or found.groups() == ("", ""):
        return 0, size, False
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
    return (start, stop, True) if start < stop else None


def _jsonl(found: Iterator[dict[str, object]]) -> Iterator[bytes]:
    for line in found:
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"
