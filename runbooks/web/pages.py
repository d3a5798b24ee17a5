"""What every page for signed-in people shares: who looks, when, and what becomes of an address that makes no sense."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _

from runbooks.domain.problems import Invalid
from runbooks.usecases.conflict import Conflict, Taken
from runbooks.web.actor import actor_of

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """The view is called with `actor` and `now`; strangers go to sign-in and come back.

    Hidden and NotAllowed become pages in DenialMiddleware. Invalid and Conflict become pages here, for the views that
    have no form to show them in.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        actor = actor_of(request)
        if actor is None:
            return _to_sign_in(request)
        if _holds_nul(request.POST):
            return _refused(request, detail=_("What was typed holds the character NUL, which no text has."), status=400)
        try:
            return view(request, *args, actor=actor, now=timezone.now(), **kwargs)
        except Invalid as error:
            return _refused(request, detail=" ".join(problem.detail for problem in error.problems), status=400)
        except Conflict as error:
            held_by = error.run_id if isinstance(error, Taken) else ""
            return _refused(request, detail=str(error), status=409, held_by=held_by)

    return wrapper


def _holds_nul(data: QueryDict) -> bool:
    """PostgreSQL stores no NUL. Definitions and values of parameters have checks of their own, which point to it."""
    checked = {name for name in data if name == "text" or name.startswith("p-")}
    return any("\0" in value for name in data.keys() - checked for value in data.getlist(name))


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Who was asked for a page comes back to it. An account that was disabled meanwhile is signed out."""
    if SESSION_KEY in request.session:
        logout(request)
    if "HX-Request" in request.headers:
        back = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
        return HttpResponse(status=401, headers={"HX-Redirect": redirect_to_login(back).url})
    back = request.get_full_path() if request.method in {"GET", "HEAD"} else resolve_url(settings.LOGIN_REDIRECT_URL)
    return redirect_to_login(back)


def _refused(request: HttpRequest, *, detail: str, status: int, held_by: str = "") -> HttpResponse:
    """HELD_BY: id of the run that has what was asked for."""
    context = {"detail": detail, "held_by": held_by, "request_id": getattr(request, "request_id", "")}
    return render(request, "400.html", context, status=status)
