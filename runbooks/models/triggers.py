"""Database triggers, for both engines: status moves as the tables of `domain.states` allow, and insert-only tables."""

from collections.abc import Iterable, Mapping

from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def moves_sql(*, vendor: str, table: str, column: str, moves: Mapping[str, Iterable[str]]) -> list[str]:
    """Statements that make the database refuse any change of COLUMN that MOVES does not name."""
    allowed = " OR ".join(
        f"(OLD.{column} = '{old}' AND NEW.{column} IN ({', '.join(repr(str(new)) for new in sorted(news))}))"
        for old, news in moves.items()
        if news
    )
    illegal = f"NEW.{column} <> OLD.{column} AND NOT ({allowed})"
    return _refuse(
        vendor=vendor,
        name=f"{table}_{column}_moves",
        table=table,
        event=f"UPDATE OF {column}",
        when=illegal,
        message=f"illegal move of {table}.{column}",
    )


def insert_only_sql(*, vendor: str, table: str) -> list[str]:
    """Statements that make the database refuse UPDATE, DELETE and TRUNCATE."""
    message = f"{table} is insert-only"
    statements = []
    for event in ("UPDATE", "DELETE"):
        name = f"{table}_no_{event.lower()}"
        statements += _refuse(vendor=vendor, name=name, table=table, event=event, when=None, message=message)
    return statements + no_truncate_sql(vendor=vendor, table=table)


def no_truncate_sql(*, vendor: str, table: str) -> list[str]:
    """SQLite has no TRUNCATE."""
    if vendor != "postgresql":
        return []
    name = f"{table}_no_truncate"
    return [
        _function(name=name, message=f"{table} is never emptied"),
        f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {name}()",
    ]


def kept_sql(*, vendor: str, table: str) -> list[str]:
    """Statements that make the database refuse DELETE and TRUNCATE."""
    message = f"rows of {table} are never deleted"
    delete = _refuse(vendor=vendor, name=f"{table}_no_delete", table=table, event="DELETE", when=None, message=message)
    return delete + no_truncate_sql(vendor=vendor, table=table)


def dropped_sql(*, vendor: str, table: str, names: Iterable[str]) -> list[str]:
    """Statements that take triggers of TABLE away, to make them anew: a table that SQLite rebuilds has lost them."""
    if vendor != "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in names]
    return [
        statement
        for name in names
        for statement in (f"DROP TRIGGER IF EXISTS {name} ON {table}", f"DROP FUNCTION IF EXISTS {name}()")
    ]


def deleted_only_where_sql(*, vendor: str, table: str, allowed: str, message: str) -> list[str]:
    """Statements that make the database refuse to delete a row unless ALLOWED, which may read OLD, holds for it."""
    name = f"{table}_no_delete"
    if vendor == "postgresql":
        body = (
            f"BEGIN IF {allowed} THEN RETURN OLD; END IF;"
            f" RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END"
        )
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            f"CREATE TRIGGER {name} BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    body = f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    return [f"CREATE TRIGGER {name} BEFORE DELETE ON {table} FOR EACH ROW WHEN NOT ({allowed}) {body}"]


def frozen_columns_sql(*, vendor: str, table: str, columns: Iterable[str]) -> list[str]:
    """Statements that make the database refuse a change of these columns."""
    return _refuse(
        vendor=vendor,
        name=f"{table}_content_is_frozen",
        table=table,
        event=f"UPDATE OF {', '.join(columns)}",
        when=None,
        message=f"the content of {table} never changes",
    )


def follow_up_sql(
    *, vendor: str, table: str, name: str, statement: str, event: str = "INSERT", when: str | None = None
) -> list[str]:
    """Statements that make the database do STATEMENT, which may read NEW, after each row that is inserted."""
    condition = f" WHEN ({when})" if when else ""
    if vendor == "postgresql":
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NULL; END $$",
            f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW{condition} EXECUTE FUNCTION {name}()",
        ]
    return [f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW{condition} BEGIN {statement}; END"]


def only_emptied_sql(*, vendor: str, table: str, column: str) -> list[str]:
    """Statements that make the database refuse any change of COLUMN but to nothing."""
    return _refuse(
        vendor=vendor,
        name=f"{table}_{column}_is_only_emptied",
        table=table,
        event=f"UPDATE OF {column}",
        when=f"length(NEW.{column}) > 0",
        message=f"{table}.{column} never changes, and can only be destroyed",
    )


def drop_sql(*, vendor: str, table: str, name: str) -> list[str]:
    """Statements that take a trigger away, for a migration that puts another in its place."""
    if vendor == "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name} ON {table}", f"DROP FUNCTION IF EXISTS {name}()"]
    return [f"DROP TRIGGER IF EXISTS {name}"]


def install(schema_editor: BaseDatabaseSchemaEditor, statements: Iterable[str]) -> None:
    for statement in statements:
        schema_editor.execute(statement, params=None)


def _refuse(*, vendor: str, name: str, table: str, event: str, when: str | None, message: str) -> list[str]:
    if vendor == "postgresql":
        condition = f" WHEN ({when})" if when else ""
        return [
            _function(name=name, message=message),
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{condition} EXECUTE FUNCTION {name}()",
        ]
    condition = f" WHEN {when}" if when else ""
    body = f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    return [f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{condition} {body}"]


def _function(*, name: str, message: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
