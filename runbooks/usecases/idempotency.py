"""A request that carries a key and is repeated is answered as it was the first time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction

from runbooks.models import IdempotencyKey, User
from runbooks.usecases.conflict import Conflict


@dataclass(frozen=True)
class Answer:
    status: int
    body: object = None  # JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    repeated: bool = False


def once(*, user: User, key: str, fingerprint: str, act: Callable[[], Answer]) -> Answer:
    """The key's row is written in the transaction of the act: either both are there or neither, and of two at once the
    second waits for the first. What failed is not remembered. Raises Conflict where another request had the key."""
    with transaction.atomic():
        row = _new_row(user=user, key=key, fingerprint=fingerprint)
        if row is None:
            return _repeated(user=user, key=key, fingerprint=fingerprint)
        answer = act()
        row.status, row.body, row.headers = answer.status, answer.body, dict(answer.headers)
        row.save(update_fields=["status", "body", "headers"])
        return answer


def _new_row(*, user: User, key: str, fingerprint: str) -> IdempotencyKey | None:
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(user=user, key=key, fingerprint=fingerprint)
    except IntegrityError:
        return None


def _repeated(*, user: User, key: str, fingerprint: str) -> Answer:
    first = IdempotencyKey.objects.get(user=user, key=key)
    if first.fingerprint != fingerprint:
        raise Conflict("This Idempotency-Key was used for another request.", code="idempotency_key_reused")
    return Answer(status=first.status or 200, body=first.body, headers=first.headers, repeated=True)
