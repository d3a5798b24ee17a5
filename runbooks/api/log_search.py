"""Search in a run's log, and lines by number, over HTTP."""

import re
from uuid import UUID

from django.http import HttpResponseBase, JsonResponse, QueryDict
from rest_framework.request import Request

from runbooks.domain.problems import Invalid, Problem
from runbooks.live.lines import Naming
from runbooks.live.pieces import before_line
from runbooks.live.search import BadSearch, Finder, Place, excerpt, pattern_finder, search, text_finder
from runbooks.models import Run, StepRun

MOST_MATCHES, MOST_LINES = 1000, 5000
CURSOR = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
NUMBER = re.compile(r"[0-9]{1,18}")
LONGEST_TEXT = 1000
MOST_NUMBER = 10**17


def wants_page(request: Request) -> bool:
    """Matches come in pages to whoever asks for JSON, else whole, as text or JSON lines."""
    kinds = [part.partition(";")[0].strip() for part in request.headers.get("Accept", "").split(",")]
    return "application/json" in kinds and bool({"q", "re"} & set(request.query_params))


def matches_response(*, run: Run, request: Request, steps: list[UUID] | None) -> HttpResponseBase:
    query = request.query_params
    if query.get("line"):
        steps = [one_step(run=run, steps=steps)]
    find = finder(request)
    limit = number(query.get("limit", ""), "/limit", default=200, most=MOST_MATCHES)
    found = search(run=run, find=find, limit=limit, steps=steps, start=_start(query, steps))
    naming, results = Naming(), []
    for line in found.lines:
        data = naming.as_data(line)
        results.append({**data, "text": excerpt(str(data["text"]), find)})
    following = f"{found.next.seq}.{found.next.line}" if found.next else None
    return JsonResponse({"results": results, "next": following, "searched_to": found.searched_to})


def finder(request: Request) -> Finder:
    text, pattern = request.query_params.get("q", ""), request.query_params.get("re", "")
    if bool(text) == bool(pattern) or len(text) > LONGEST_TEXT:
        detail = f"Give either a text of at most {LONGEST_TEXT} characters (q) or a regular expression (re)."
        raise Invalid([Problem("/q", "invalid", detail)])
    if text:
        return text_finder(text)
    try:
        return pattern_finder(pattern)
    except BadSearch as error:
        raise Invalid([Problem("/re", "bad_pattern", str(error))]) from error


def one_step(*, run: Run, steps: list[UUID] | None) -> UUID:
    """Line numbers count within a step run; of several attempts the last is meant."""
    found = list(StepRun.objects.filter(run=run).order_by("attempt").values_list("pk", "step", "node"))
    mine = [(key, (step, node)) for key, step, node in found if steps is None or key in steps]
    if len({where for _, where in mine}) > 1:
        detail = "Lines are counted in each step on each node: name one (step, node)."
        raise Invalid([Problem("/step", "required", detail)])
    if not mine:
        raise Invalid([Problem("/step", "unknown", "This run has no such step.")])
    return mine[-1][0]


def number(text: str, pointer: str, *, default: int, most: int) -> int:
    if not text:
        return default
    if not NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise Invalid([Problem(pointer, "out_of_range", f"Give a number from 1 to {most}.")])
    return int(text)


def _start(query: QueryDict, steps: list[UUID] | None) -> Place:
    cursor, line = query.get("cursor", ""), query.get("line", "")
    if cursor:
        found = CURSOR.fullmatch(cursor)
        if not found:
            raise Invalid([Problem("/cursor", "invalid_cursor", "This cursor is not one of ours; begin anew.")])
        return Place(int(found[1]), int(found[2]))
    if line and steps:
        first = number(line, "/line", default=1, most=MOST_NUMBER)
        return Place(before_line(step_run=steps[0], line=first) + 1, first)
    return Place()
