"""How soon the pool of database connections tries again when the database was away.

Its own pauses double, which suits a crowd of strangers. Here a lease is lost meanwhile, and after a restart of the
database a request that meets several dead connections would wait for seconds at each.
"""

from psycopg_pool.base import AttemptWithBackoff


def steadily(*, seconds: float) -> None:
    AttemptWithBackoff.INITIAL_DELAY = seconds
    AttemptWithBackoff.DELAY_BACKOFF = 1.0
