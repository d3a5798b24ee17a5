"""Database connections of threads that wait."""

from django.db import connection


def release_connection() -> None:
    """A pooled connection goes back before anything waits; SQLite's stays, it costs nobody anything."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
