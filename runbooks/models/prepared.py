"""Queries whose SQL is made once: the query builder takes longer to write a statement with joins than the database
takes to answer it. For the few that every request or every step asks; written as any other queryset."""

import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Field, Model, QuerySet, UUIDField
from django.db.models.query import ModelIterable

M = TypeVar("M", bound=Model)


class Prepared(Generic[M]):
    """A queryset in which each of FIELDS is compared with one value, given when it is asked.

    BUILD gets a mark for each field and answers the queryset; no `prefetch_related`, no `values`, no marks in lists.
    """

    def __init__(self, build: Callable[..., QuerySet[M]], *fields: "Field[Any, Any]") -> None:
        self._build, self._fields = build, fields
        self._own = threading.local()  # a compiler belongs to a connection, and that to a thread

    def __call__(self, *values: object) -> list[M]:
        statement = self._statement()
        statement.bind([self._stored(field, value) for field, value in zip(self._fields, values, strict=True)])
        return list(ModelIterable(statement.queryset))

    def first(self, *values: object) -> M | None:
        """The first of those found, in no order but the queryset's own."""
        return next(iter(self(*values)), None)

    def _statement(self) -> "_Statement":
        made: _Statement | None = getattr(self._own, "statement", None)
        if made is None:
            marks = [_mark(field, number) for number, field in enumerate(self._fields)]
            stored = [self._stored(field, mark) for field, mark in zip(self._fields, marks, strict=True)]
            made = self._own.statement = _Statement(self._build(*marks), stored)
        return made

    @staticmethod
    def _stored(field: "Field[Any, Any]", value: object) -> object:
        """As the engine stores it."""
        return field.get_db_prep_value(value, connection)


class _Statement:
    def __init__(self, queryset: QuerySet[Any], marks: Sequence[object]) -> None:
        self.queryset = queryset
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        self._sql, self._params = sql, list(params)
        self._places = [self._params.index(mark) for mark in marks]
        compiler.as_sql = self._as_sql
        queryset.query.get_compiler = lambda *_args, **_kwargs: compiler  # type: ignore[method-assign]

    def bind(self, values: Sequence[object]) -> None:
        for place, value in zip(self._places, values, strict=True):
            self._params[place] = value

    def _as_sql(self, *_args: object, **_kwargs: object) -> tuple[str, tuple[object, ...]]:
        return self._sql, tuple(self._params)


def _mark(field: "Field[Any, Any]", number: int) -> object:
    """A value that nothing else in the statement has."""
    return uuid.UUID(int=0xFEED << 64 | number) if isinstance(field, UUIDField) else f"\x02mark {number}"
