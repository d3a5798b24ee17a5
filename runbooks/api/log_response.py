"""A run's log over HTTP: exact bytes with ranges, or lines with their numbers and times."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from runbooks.api.log_search import MOST_LINES, MOST_NUMBER, finder, matches_response, number, one_step, wants_page
from runbooks.domain.markers import KINDS
from runbooks.domain.problems import Invalid, Problem, shown
from runbooks.live.follow import chosen_steps, log_bytes, log_size
from runbooks.live.lines import Line, lines_from, split, told
from runbooks.live.pieces import pieces
from runbooks.live.search import matching
from runbooks.models import Run

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def log_response(*, run: Run, request: Request) -> HttpResponseBase:
    query = request.query_params
    steps = _steps(run=run, request=request)
    if wants_page(request):
        return matches_response(run=run, request=request, steps=steps)
    markers, as_jsonl = _markers(query.get("marker", "")), "application/jsonl" in request.headers.get("Accept", "")
    if markers or as_jsonl or {"q", "re", "line"} & {name for name, value in query.items() if value}:
        found = _lines(run=run, request=request, steps=steps)
        return _lines_response(told(found, markers=markers), as_jsonl=as_jsonl)
    return _bytes_response(run=run, request=request, steps=steps)


def _steps(*, run: Run, request: Request) -> list[UUID] | None:
    query = request.query_params
    attempt = number(query.get("attempt", ""), "/attempt", default=0, most=10**6) or None
    return chosen_steps(run=run, step=query.get("step", ""), node=query.get("node"), attempt=attempt)


def _lines(*, run: Run, request: Request, steps: list[UUID] | None) -> Iterator[Line]:
    query = request.query_params
    if query.get("q") or query.get("re"):
        return matching(run=run, find=finder(request), steps=steps)
    if query.get("line"):
        first = number(query["line"], "/line", default=1, most=MOST_NUMBER)
        count = number(query.get("limit", ""), "/limit", default=1000, most=MOST_LINES)
        return lines_from(run=run, step_run=one_step(run=run, steps=steps), first=first, count=count)
    return split(pieces(run=run, steps=steps))


def _bytes_response(*, run: Run, request: Request, steps: list[UUID] | None) -> HttpResponseBase:
    size = log_size(run=run, steps=steps)
    wanted = _range(request.headers.get("Range", ""), size)
    if wanted is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, stop, partial = wanted
    answer = StreamingHttpResponse(
        _begun(log_bytes(run=run, start=start, stop=stop, steps=steps)),
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


def _begun(parts: Iterator[bytes]) -> Iterator[bytes]:
    """What can't even begin is refused as a problem; what breaks later ends the connection, short of its length."""
    first = next(parts, None)
    return parts if first is None else chain([first], parts)


def _lines_response(found: Iterator[dict[str, object]], *, as_jsonl: bool) -> StreamingHttpResponse:
    if as_jsonl:
        return StreamingHttpResponse(_begun(_jsonl(found)), content_type="application/jsonl; charset=utf-8")
    texts = (f"{line['text']}\n".encode() for line in found)
    return StreamingHttpResponse(_begun(texts), content_type="text/plain; charset=utf-8")


def _markers(text: str) -> set[str]:
    """Kinds of marker lines, parted by commas."""
    kinds = {kind for kind in text.split(",") if kind}
    if unknown := kinds - set(KINDS):
        detail = f"{shown(min(unknown))} is no kind of marker line; there are {', '.join(KINDS)}."
        raise Invalid([Problem("/marker", "not_a_choice", detail)])
    return kinds


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
