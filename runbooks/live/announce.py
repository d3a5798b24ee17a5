"""Telling whoever watches a run that there is more to read. Only a hint: the database is the truth."""

import logging
from functools import cache

import redis
from django.conf import settings

log = logging.getLogger(__name__)

CHANNEL = "opsaas:run:"


def announce(run_id: object) -> None:
    client = _client()
    if client is None:
        return
    try:
        client.publish(f"{CHANNEL}{run_id}", b"")
    except (redis.RedisError, OSError) as error:
        log.warning("watchers of run %s were not told at once: %s", run_id, error)


def redis_url() -> str | None:
    """The broker in the form that the Redis client takes; None where the broker is no Redis."""
    url: str = settings.OPSAAS_BROKER_URL
    if url.startswith("redis+socket://"):
        return "unix://" + url.removeprefix("redis+socket://").replace("virtual_host=", "db=")
    return url if url.startswith(("redis://", "rediss://")) else None


@cache
def _client() -> redis.Redis | None:
    url = redis_url()
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) if url else None


def broker_error() -> str | None:
    """What keeps the broker from answering; "" where it answers, None where it is no Redis and can't be asked here."""
    client = _client()
    if client is None:
        return None
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        return str(error) or type(error).__name__
    return ""
