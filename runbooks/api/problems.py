"""Every error is an RFC 9457 problem document: a stable code, sentences for people, pointers to fields."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from django.http import Http404, HttpRequest, JsonResponse
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, NotAllowed
from runbooks.audit.denials import tell_the_log
from runbooks.domain.ports import NotStored
from runbooks.domain.problems import Invalid, Problem
from runbooks.live.pieces import OutputDamaged, OutputRemoved
from runbooks.usecases.conflict import Conflict, Stale

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "The request is not valid",
    401: "Sign in first",
    403: "You may not do this",
    404: "Not found",
    405: "This address does not take that method",
    406: "This address has no such form",
    409: "This does not fit the present state",
    410: "This is not kept any more",
    412: "It has changed since it was read",
    413: "The body is too large",
    415: "This kind of body is not understood",
    429: "Too many requests",
    500: "Something broke on our side",
    503: "A part of us does not answer",
}


def answer(error: Exception, context: Mapping[str, object]) -> Response | None:
    """Django REST framework's exception handler."""
    request = context["request"]
    assert isinstance(request, Request)
    if isinstance(error, Hidden | NotAllowed):
        tell_the_log(error=error, actor=request.auth if isinstance(request.auth, Actor) else None, now=timezone.now())
    body = body_of(error=error, request=request._request)
    if body is None:
        return None
    headers = {"WWW-Authenticate": "Bearer"} if body["status"] == 401 else {}
    status = body["status"]
    assert isinstance(status, int)
    # The address of the schema has other forms for its answers; for refusals this is the only one.
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), CONTENT_TYPE
    return Response(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def body_of(*, error: Exception, request: HttpRequest) -> dict[str, object] | None:
    """None for what nobody foresaw."""
    body = _problem(error)
    return None if body is None else {**body, "request_id": getattr(request, "request_id", "")}


def plain(request: HttpRequest, *, status: int, code: str, detail: str = "") -> JsonResponse:
    """A problem document where no view was reached."""
    body = problem(status=status, code=code, detail=detail)
    body["request_id"] = getattr(request, "request_id", "")
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE)


def problem(
    *,
    status: int,
    code: str,
    detail: str = "",
    errors: Iterable[Problem] = (),
    reasons: Iterable[str] = (),
) -> dict[str, object]:
    return {
        "type": "about:blank",
        "title": TITLES.get(status, "The request failed"),
        "status": status,
        "code": code,
        "detail": detail,
        "errors": [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in errors],
        "reasons": list(reasons),
    }


def _problem(error: Exception) -> dict[str, object] | None:  # noqa: PLR0911 (a table reads best as one)
    match error:
        case Invalid():
            return _invalid(error.problems)
        case Hidden() | Http404():
            return problem(status=404, code="not_found", detail="There is no such thing, or you may not see it.")
        case NotAllowed():
            return problem(status=403, code="not_allowed", detail=str(error), reasons=error.reasons)
        case Conflict():
            return problem(status=412 if isinstance(error, Stale) else 409, code=error.code, detail=str(error))
        case OutputRemoved() | OutputDamaged() | NotStored():
            return _unreadable(error)
        case exceptions.APIException():
            return _frameworks(error)
    return None


def _unreadable(error: OutputRemoved | OutputDamaged | NotStored) -> dict[str, object]:
    match error:
        case OutputRemoved():
            return problem(status=410, code="output_removed", detail=str(error))
        case OutputDamaged():
            return problem(status=500, code="output_damaged", detail=str(error))
    return problem(status=503, code="output_not_reachable", detail=str(error))


def _frameworks(error: exceptions.APIException) -> dict[str, object]:
    """What Django REST framework says by itself."""
    if isinstance(error, exceptions.ValidationError):
        return _invalid(list(_pointed(error.detail, "")))
    return problem(status=error.status_code, code=str(error.default_code), detail=str(error.detail))


def _invalid(found: Sequence[Problem]) -> dict[str, object]:
    too_large = any(one.code == "too_large" and one.pointer == "" for one in found)
    detail = " ".join(one.detail for one in found[:3])
    return problem(status=413 if too_large else 400, code="invalid", detail=detail, errors=found)


def _pointed(detail: object, pointer: str) -> Iterable[Problem]:
    """A serializer's errors as problems; "non_field_errors" are about the whole."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _pointed(inner, pointer if name == "non_field_errors" else f"{pointer}/{name}")
    elif isinstance(detail, list) and any(isinstance(inner, dict | list) for inner in detail):
        for index, inner in enumerate(detail):
            yield from _pointed(inner, f"{pointer}/{index}")
    else:
        for one in detail if isinstance(detail, list) else [detail]:
            yield Problem(pointer, str(getattr(one, "code", "invalid")), str(one))
