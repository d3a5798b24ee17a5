"""Telling places outside of the log: every checkpoint to some, every event to others. Each place has its own pace."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from runbooks.audit.checkpoint import latest_checkpoint
from runbooks.audit.export import events
from runbooks.audit.record import Ref, record
from runbooks.audit.sequence import drain
from runbooks.audit.tree import size_of_log
from runbooks.domain.outposts import NotKept, Outpost, Parcel
from runbooks.models import AuditCheckpoint, AuditPlace

BACK_OFF = [timedelta(seconds=seconds) for seconds in (10, 30, 60, 120, 300, 600)]
IN_FLIGHT = timedelta(minutes=5)  # longer than all that is sent in one round can take
KEPT_UNUSED, NOTED_EACH = timedelta(days=1), timedelta(hours=1)
EVENTS_AT_ONCE, PARCELS_AT_ONCE = 200, 20


@dataclass(frozen=True)
class _Sent:
    """The place has everything up to here."""

    cursor: int
    events: int


_Next = Callable[[int], tuple[Parcel, _Sent] | None]


def push_checkpoints(*, places: Mapping[str, Outpost], now: datetime) -> None:
    """A place that is new begins with the latest one: it proves all before it."""
    latest = latest_checkpoint()
    for name, outpost in places.items():
        _push(name=name, outpost=outpost, following=_checkpoint, begin=latest.pk - 1 if latest else 0, now=now)


def push_events(*, places: Mapping[str, Outpost], now: datetime) -> None:
    """A place that is new gets what is written from now on."""
    if not places:
        return
    drain()
    for name, outpost in places.items():
        _push(name=_stream(name), outpost=outpost, following=_events, begin=size_of_log(), now=now)


def forget_others(*, checkpoints: Iterable[str], events: Iterable[str], now: datetime) -> None:
    """Places that are no longer named fail no longer. Another scheduler may name others: what one of them used within
    a day is kept, or it would begin anew and leave out what came meanwhile."""
    named = [*checkpoints, *map(_stream, events)]
    AuditPlace.objects.exclude(name__in=named).filter(used_at__lt=now - KEPT_UNUSED).delete()


def _stream(name: str) -> str:
    """One place may get both."""
    return f"events to {name}"


def _push(*, name: str, outpost: Outpost, following: _Next, begin: int, now: datetime) -> None:
    place, _ = AuditPlace.objects.get_or_create(name=name, defaults={"cursor": begin, "used_at": now})
    if place.used_at < now - NOTED_EACH:
        AuditPlace.objects.filter(pk=place.pk).update(used_at=now)
    for _ in range(PARCELS_AT_ONCE):
        found = following(place.cursor)
        if found is None or not _taken(place=place, now=now):
            return
        try:
            outpost.keep(found[0])
        except NotKept as error:
            _failed(place=place, error=str(error), now=now)
            return
        _done(place=place, sent=found[1], now=now)


def _taken(*, place: AuditPlace, now: datetime) -> bool:
    """Whether this process may send to it now: another may be at it, or it failed a moment ago."""
    free = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    mine = AuditPlace.objects.filter(free, pk=place.pk, cursor=place.cursor)
    return mine.update(next_attempt_at=now + IN_FLIGHT) == 1


@transaction.atomic
def _done(*, place: AuditPlace, sent: _Sent, now: datetime) -> None:
    AuditPlace.objects.filter(pk=place.pk).update(
        cursor=sent.cursor,
        sent_to=sent.events,
        sent_at=now,
        attempts=0,
        next_attempt_at=None,
        failing_since=None,
        last_error="",
    )
    if place.failing_since:
        _tell(place=place, action="audit.push_recovered", outcome="done", reason="", now=now)
    place.cursor, place.attempts, place.failing_since = sent.cursor, 0, None


@transaction.atomic
def _failed(*, place: AuditPlace, error: str, now: datetime) -> None:
    """The log tells of the first failure and of its end, not of each attempt."""
    if place.failing_since is None:
        _tell(place=place, action="audit.push_failed", outcome="failed", reason=error[:500], now=now)
    wait = BACK_OFF[min(place.attempts, len(BACK_OFF) - 1)]
    AuditPlace.objects.filter(pk=place.pk).update(
        attempts=place.attempts + 1,
        next_attempt_at=now + wait,
        failing_since=place.failing_since or now,
        last_error=error[:1000],
    )


def _tell(*, place: AuditPlace, action: str, outcome: str, reason: str, now: datetime) -> None:
    what = Ref("audit_place", "", place.name)
    record(actor=None, action=action, thing=what, outcome=outcome, reason=reason, now=now)


def _checkpoint(cursor: int) -> tuple[Parcel, _Sent] | None:
    one = AuditCheckpoint.objects.filter(pk__gt=cursor).order_by("pk").first()
    if one is None:
        return None
    line = json.dumps({"checkpoint": one.note, "origin": one.origin, "size": one.size}, ensure_ascii=False)
    return Parcel(f"checkpoints/{one.size:015}", (line,), note=one.note), _Sent(one.pk, one.size)


def _events(cursor: int) -> tuple[Parcel, _Sent] | None:
    found = [record for record in events(first=cursor, end=cursor + EVENTS_AT_ONCE) if record["body"] is not None]
    end = min(cursor + EVENTS_AT_ONCE, size_of_log())
    if end <= cursor:
        return None
    lines = tuple(_line(one["seq"], one["body"]) for one in found)
    return Parcel(f"events/{cursor:015}-{end - 1:015}", lines), _Sent(end, end)


def _line(seq: int, body: str) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    more = told if isinstance(told, dict) else {"unreadable": True}  # somebody changed it by hand
    return json.dumps({"seq": seq, **more}, ensure_ascii=False, separators=(",", ":"))
