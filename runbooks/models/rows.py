"""Writing single rows by statements that are made once: an INSERT, and an UPDATE that names the old state.

For the few writes that every run makes; anything else uses the query builder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import AutoField, Model
from django.db.models.expressions import DatabaseDefault


@dataclass(frozen=True)
class Sql:
    """An expression in place of a value, such as Sql("event_seq + %s", 2)."""

    text: str
    value: object

    @property
    def stored(self) -> Any:
        return connection.ops.adapt_datetimefield_value(self.value) if isinstance(self.value, datetime) else self.value


def insert(*rows: Model) -> None:
    """Adds rows of one model by one statement. Of a single row, what the database fills in is read back."""
    model = type(rows[0])
    filled_in = tuple(
        field.attname
        for field in model._meta.concrete_fields
        if isinstance(getattr(rows[0], field.attname), DatabaseDefault)
    )
    returning = filled_in if len(rows) == 1 else ()
    sql, fields = _insert_statement(model, len(rows), filled_in, returning)
    with connection.cursor() as cursor:
        cursor.execute(sql, [_stored(field, getattr(row, field.attname)) for row in rows for field in fields])
        for name, value in zip(returning, cursor.fetchone() if returning else (), strict=True):
            setattr(rows[0], name, _loaded(model._meta.get_field(name), value))
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def move(
    model: type[Model], *, where: Mapping[str, object], values: Mapping[str, object], returning: str
) -> tuple[Any, ...] | None:
    """Updates the one row that is as WHERE says; None where there is none. A list in WHERE means one of these.

    Names are columns of the table; RETURNING names those to answer, as the engine stores them after the change.
    """
    conditions = [_condition(name, wanted) for name, wanted in where.items()]
    settings = [f"{name} = {value.text if isinstance(value, Sql) else '%s'}" for name, value in values.items()]
    table = model._meta.db_table
    sql = f"UPDATE {table} SET {', '.join(settings)} WHERE {' AND '.join(conditions)} RETURNING {returning}"  # noqa: S608
    fields = _by_column(model)
    given = [value.stored if isinstance(value, Sql) else _stored(fields[name], value) for name, value in values.items()]
    for name, wanted in where.items():
        given += [
            _stored(fields[name], one) for one in (wanted if isinstance(wanted, list) else [wanted]) if one is not None
        ]
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def _condition(name: str, wanted: object) -> str:
    if wanted is None:
        return f"{name} IS NULL"
    return f"{name} IN ({', '.join(['%s'] * len(wanted))})" if isinstance(wanted, list) else f"{name} = %s"


@cache
def _insert_statement(
    model: type[Model], rows: int, left_out: tuple[str, ...], returning: tuple[str, ...]
) -> tuple[str, Sequence[Any]]:
    fields: list[Any] = [
        f for f in model._meta.concrete_fields if f.attname not in left_out and not isinstance(f, AutoField)
    ]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    marks = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * rows)
    sql = f"INSERT INTO {model._meta.db_table} ({columns}) VALUES {marks}"  # noqa: S608
    names = ", ".join(returning)
    return (f"{sql} RETURNING {names}" if names else sql), fields


@cache
def _by_column(model: type[Model]) -> dict[str, Any]:
    return {str(field.column): field for field in model._meta.concrete_fields}


def _stored(field: Any, value: object) -> Any:
    return field.get_db_prep_save(value, connection)


def _loaded(field: Any, value: object) -> object:
    column = field.get_col(field.model._meta.db_table)
    for convert in [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]:
        value = convert(value, column, connection)
    return value
