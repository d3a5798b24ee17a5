"""Ids of everything: UUIDv7 made by the app, sortable by time."""

import uuid
from datetime import datetime

import uuid_utils


def new_id() -> uuid.UUID:
    return uuid.UUID(int=uuid_utils.uuid7().int)


def first_id_of(moment: datetime) -> uuid.UUID:
    """Smaller than every id that was made then or later."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
