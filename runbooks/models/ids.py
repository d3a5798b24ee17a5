"""Ids of everything: UUIDv7 made by the app, sortable by time."""

import uuid

import uuid_utils


def new_id() -> uuid.UUID:
    return uuid.UUID(int=uuid_utils.uuid7().int)
