"""Who may open a run's event stream, and from where on: the same checks as every other address of the API."""

import io
import json
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.request import Request

from runbooks.access import fetch
from runbooks.access.actors import Actor
from runbooks.access.fetch import Hidden, NotAllowed
from runbooks.access.rights import rights_on
from runbooks.access.sessions import has_ended
from runbooks.api.authentication import TokenOrSession
from runbooks.api.problems import CONTENT_TYPE, body_of
from runbooks.audit.denials import tell_the_log
from runbooks.audit.reads import record_read
from runbooks.domain.states import RUN_FINAL
from runbooks.live.pieces import before_offset
from runbooks.models import Run, Runbook, User
from runbooks.models.ids import new_id


@dataclass(frozen=True)
class Opened:
    run_id: str
    runbook: Runbook
    actor: Actor
    after: int  # number of the last event that the client has
    sees_output: bool
    output_after: int = 0  # output up to that number is left out: the client wants the end only
    session: str = ""  # key of the session, for who came by one


@dataclass(frozen=True)
class Refused:
    """An answer that is no stream."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def open_stream(scope: MutableMapping[str, Any], run_id: str) -> Opened | Refused:
    request = ASGIRequest(dict(scope), io.BytesIO())
    request.request_id = str(new_id())  # type: ignore[attr-defined]
    actor: Actor | None = None
    try:
        actor = _actor(request)
        return _open(request=request, actor=actor, run_id=run_id)
    except (APIException, Hidden, NotAllowed) as error:
        if isinstance(error, Hidden | NotAllowed):
            tell_the_log(error=error, actor=actor, now=timezone.now())
        return _refused(request=request, error=error)


def still_allowed(opened: Opened) -> bool:
    """Also false once the account, the grant or the token has ended."""
    token = opened.actor.token
    if token:
        token.refresh_from_db(fields=["revoked_at", "expires_at"])
        if token.revoked_at or (token.expires_at and token.expires_at <= timezone.now()):
            return False
    elif not _still_signed_in(opened):
        return False
    actor = replace(opened.actor, user=User.objects.select_related("owner").get(pk=opened.actor.user.pk))
    held = rights_on(actor=actor, place=opened.runbook, now=timezone.now())
    return ("see_output" if opened.sees_output else "view") in held


def _still_signed_in(opened: Opened) -> bool:
    """Not after signing out, after the session's end, or after a change of the password."""
    asked = HttpRequest()
    asked.session = SessionStore(opened.session)
    return not has_ended(asked.session, now=timezone.now()) and get_user(asked).pk == opened.actor.user.pk


def _open(*, request: ASGIRequest, actor: Actor, run_id: str) -> Opened | Refused:
    now = timezone.now()
    run = fetch.run(actor=actor, run_id=run_id, action="run.output_read", now=now)
    after = _last_event_id(request)
    if run.status in RUN_FINAL and after >= run.event_seq:
        return Refused(status=204, headers=[(b"cache-control", b"no-store")], body=b"")
    sees_output = "see_output" in rights_on(actor=actor, place=run.runbook, now=now)
    if sees_output:
        record_read(actor=actor, action="run.output_read", thing=run, now=now)
    return Opened(
        run_id=str(run.pk),
        runbook=run.runbook,
        actor=actor,
        after=after,
        output_after=_tail(request, run),
        sees_output=sees_output,
        session=request.session.session_key or "",
    )


def _actor(request: ASGIRequest) -> Actor:
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    request.session = SessionStore(None if "\0" in key else key)  # PostgreSQL takes no NUL
    request.user = AnonymousUser() if has_ended(request.session, now=timezone.now()) else get_user(request)
    found = TokenOrSession().authenticate(Request(request))
    if found is None:
        raise NotAuthenticated
    return found[1]


def _tail(request: ASGIRequest, run: Run) -> int:
    """With `tail=BYTES` a client leaves out what came long before: of a huge log nobody looks at it line by line."""
    tail = _number(request.GET.get("tail", ""))
    return before_offset(run=run, offset=run.output_bytes - tail) if 0 < tail < run.output_bytes else 0


def _last_event_id(request: ASGIRequest) -> int:
    return _number(request.headers.get("Last-Event-ID", "") or request.GET.get("last_event_id", ""))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _refused(*, request: ASGIRequest, error: Exception) -> Refused:
    body = body_of(error=error, request=request)
    assert body is not None
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"cache-control", b"no-store")]
    if body["status"] == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    status = body["status"]
    assert isinstance(status, int)
    return Refused(status=status, headers=headers, body=json.dumps(body).encode())
