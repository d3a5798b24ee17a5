"""Pages by key, newest first: stable while rows are added, and as quick at the end as at the start."""

import base64
import binascii
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet, UUIDField

from runbooks.domain.problems import Invalid, Problem

M = TypeVar("M", bound=Model)
T = TypeVar("T")
DEFAULT_SIZE = 50
LARGEST = 200
SMALL_NUMBER = re.compile(r"[0-9]{1,9}")
KEY = re.compile(r"[0-9]{1,18}")  # fits the database's integers


@dataclass(frozen=True)
class Page(Generic[T]):
    results: Sequence[T]
    next: str | None  # cursor of the page that follows


def page(
    *, queryset: QuerySet[M], cursor: str = "", size: int = DEFAULT_SIZE, key: str = "pk", forward: bool = False
) -> Page[M]:
    """By KEY, a unique field that sorts by time; newest first or FORWARD. Raises Invalid for a cursor that is none."""
    comparison, order = ("gt", key) if forward else ("lt", f"-{key}")
    if cursor:
        own = queryset.model._meta.pk
        by_id = key == "pk" and isinstance(getattr(own, "target_field", own), UUIDField)
        queryset = queryset.filter(**{f"{key}__{comparison}": _decoded(cursor, by_id=by_id)})
    rows = list(queryset.order_by(order)[: size + 1])
    following = _encoded(getattr(rows[size - 1], key)) if len(rows) > size else None
    return Page(results=rows[:size], next=following)


def checked_size(text: str) -> int:
    if not text:
        return DEFAULT_SIZE
    if not SMALL_NUMBER.fullmatch(text) or not 1 <= int(text) <= LARGEST:
        raise Invalid([Problem("/limit", "out_of_range", f"Give a number from 1 to {LARGEST}.")])
    return int(text)


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(str(value).encode()).decode().rstrip("=")


def _decoded(cursor: str, *, by_id: bool) -> uuid.UUID | int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        if by_id:
            return uuid.UUID(text)
        if KEY.fullmatch(text):
            return int(text)
    except (binascii.Error, ValueError) as error:
        raise _no_cursor() from error
    raise _no_cursor()


def _no_cursor() -> Invalid:
    return Invalid([Problem("/cursor", "invalid_cursor", "This cursor is not one of ours; begin anew.")])
