"""Answers where no view was reached or one broke: a page for browsers, a problem document for the API."""

from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from runbooks.api.problems import plain


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _answer(request, status=413, code="too_large", detail="The body is too large.")
    detail = str(exception) if isinstance(exception, BadRequest) else ""
    return _answer(request, status=400, code="invalid", detail=detail)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, status=403, code="not_allowed")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, status=404, code="not_found")


def not_offered(request: HttpRequest, *_: str) -> HttpResponse:
    raise Http404


def broken(request: HttpRequest) -> HttpResponse:
    return _answer(request, status=500, code="internal_error")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Named by settings.CSRF_FAILURE_VIEW."""
    detail = "The form was too old, or did not come from this site. Load the page again and repeat."
    return _answer(request, status=403, code="csrf_failed", detail=detail)


def _answer(request: HttpRequest, *, status: int, code: str, detail: str = "") -> HttpResponse:
    if request.path.startswith("/api/"):
        return plain(request, status=status, code=code, detail=detail)
    context = {"detail": detail, "request_id": getattr(request, "request_id", "")}
    template = "400.html" if status == 413 else f"{status}.html"
    return render(request, template, context, status=status)
