"""A POST with an Idempotency-Key that is repeated is answered as it was the first time."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from runbooks.api.base import ApiView
from runbooks.domain.problems import Invalid, Problem
from runbooks.models import IdempotencyKey
from runbooks.usecases.conflict import Conflict

V = TypeVar("V", bound=ApiView)


def remembered(method: Callable[..., Response]) -> Callable[..., Response]:
    """The key's row is written in the transaction of the act: either both are there or neither, and of two at once the
    second waits for the first. What failed is not remembered."""

    @wraps(method)
    def wrapper(view: ApiView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return method(view, request, *args, **kwargs)
        if len(key) > 255 or not key.isprintable():
            raise Invalid(
                [Problem("", "invalid_idempotency_key", "The Idempotency-Key is up to 255 printable characters.")]
            )
        fingerprint = _fingerprint(request)
        with transaction.atomic():
            row = _new_row(view=view, key=key, fingerprint=fingerprint)
            if row is None:
                return _repeated(view=view, key=key, fingerprint=fingerprint)
            response = method(view, request, *args, **kwargs)
            row.status, row.body = response.status_code, response.data
            row.headers = {name: value for name, value in response.headers.items() if name == "Location"}
            row.save(update_fields=["status", "body", "headers"])
            return response

    return wrapper


def _fingerprint(request: Request) -> str:
    text = f"{request.method} {request.path}\n".encode() + request._request.body
    return hashlib.sha256(text).hexdigest()


def _new_row(*, view: ApiView, key: str, fingerprint: str) -> IdempotencyKey | None:
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(user=view.actor.user, key=key, fingerprint=fingerprint)
    except IntegrityError:
        return None


def _repeated(*, view: ApiView, key: str, fingerprint: str) -> Response:
    first = IdempotencyKey.objects.get(user=view.actor.user, key=key)
    if first.fingerprint != fingerprint:
        raise Conflict("This Idempotency-Key was used for another request.", code="idempotency_key_reused")
    return Response(first.body, status=first.status, headers=first.headers)
