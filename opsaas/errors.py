"""Answers where no view was reached or one broke: a page for browsers, a problem document for the API."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from runbooks.api.problems import plain


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, status=400, code="invalid")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, status=403, code="not_allowed")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, status=404, code="not_found")


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
    return render(request, f"{status}.html", context, status=status)
