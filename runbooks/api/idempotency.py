"""A POST with an Idempotency-Key that is repeated is answered as it was the first time."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.api.base import ApiView
from runbooks.domain.problems import Invalid, Problem
from runbooks.usecases.idempotency import Answer, once

V = TypeVar("V", bound=ApiView)


def remembered(method: Callable[..., Response]) -> Callable[..., Response]:
    @wraps(method)
    def wrapper(view: ApiView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return method(view, request, *args, **kwargs)
        if len(key) > 255 or not key.isprintable():
            raise Invalid(
                [Problem("", "invalid_idempotency_key", "The Idempotency-Key is up to 255 printable characters.")]
            )

        def act() -> Answer:
            response = method(view, request, *args, **kwargs)
            kept = {name: value for name, value in response.headers.items() if name == "Location"}
            return Answer(status=response.status_code, body=response.data, headers=kept)

        answer = once(user=view.actor.user, key=key, fingerprint=_fingerprint(request), act=act)
        return Response(answer.body, status=answer.status, headers=dict(answer.headers))

    return wrapper


def _fingerprint(request: Request) -> str:
    text = f"{request.method} {request.path}\n".encode() + request._request.body
    return salted_hmac("runbooks.idempotency", text, algorithm="sha256").hexdigest()  # a body may hold a password
