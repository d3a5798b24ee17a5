"""A number for every request, and the policy that every answer carries."""

from collections.abc import Callable, Iterable

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from runbooks.access.fetch import Hidden, NotAllowed
from runbooks.access.sessions import has_ended, to_note
from runbooks.audit.denials import tell_the_log
from runbooks.models.ids import new_id
from runbooks.web.actor import actor_of

GetResponse = Callable[[HttpRequest], HttpResponseBase]

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ]
)


class RequestMiddleware:
    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.request_id = str(new_id())  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers.setdefault("X-Request-ID", request.request_id)  # type: ignore[attr-defined]
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response


class NulMiddleware:
    """No name, word or value holds NUL, and PostgreSQL stores none: an address or a cookie with one is refused here.

    Bodies have checks of their own: `domain.json_text` for the API, `web.pages` for forms.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", "") or _in_any(request.COOKIES.values()):
            raise BadRequest("The address or a cookie holds the character NUL.")
        return self.get_response(request)


def _in_any(texts: Iterable[str]) -> bool:
    return any("\0" in text for text in texts)


class SessionEndsMiddleware:
    """Whoever left a browser open is signed out; nobody stays signed in for ever by clicking now and then."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            now = timezone.now()
            if has_ended(request.session, now=now):
                logout(request)
            elif noted := to_note(request.session, now=now):
                request.session.update(noted)
        return self.get_response(request)


class DenialMiddleware:
    """What a page's view was refused becomes a page, and a line in the log."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Hidden | NotAllowed):
            return None
        tell_the_log(error=error, actor=actor_of(request), now=timezone.now())
        context = {"request_id": request.request_id}  # type: ignore[attr-defined]
        if isinstance(error, NotAllowed):
            return render(request, "403.html", {**context, "reasons": error.reasons}, status=403)
        return render(request, "404.html", context, status=404)
