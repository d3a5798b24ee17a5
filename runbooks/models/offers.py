"""What each worker offers to keep scripts in: told at its start, for the health page. No harm if it is lost."""

import logging
from collections.abc import Iterable

from django.core.cache import cache
from django.db import DatabaseError

log = logging.getLogger(__name__)

KEPT_SECONDS = 90 * 24 * 3600


def tell_offer(*, worker: str, level: str, why: str) -> None:
    """WHY it is not more, for people. A database that is away does not keep a worker from starting."""
    try:
        cache.set(_key(worker), {"level": level, "why": why}, KEPT_SECONDS)
    except DatabaseError as error:
        log.warning("what this worker offers was not told, the database did not answer: %s", error)


def offers_of(workers: Iterable[str]) -> dict[str, dict[str, str]]:
    """By worker; those that have told nothing are not in it."""
    told = {_key(worker): worker for worker in workers}
    return {told[key]: offer for key, offer in cache.get_many(told).items()}


def _key(worker: str) -> str:
    return f"worker-offers:{worker}"
