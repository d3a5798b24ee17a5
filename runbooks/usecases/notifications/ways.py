"""By which ways a person is told, as they chose; and the rows that become messages."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from runbooks.domain.notices import URGENT
from runbooks.models import Delivery, Endpoint, NotificationChoice, User
from runbooks.usecases.notifications.compose import Notice

DIGEST_HOUR = 7  # UTC: of the day's digest


@dataclass(frozen=True)
class Choice:
    """What somebody chose; whoever chose nothing is told of each thing at once, by e-mail."""

    pace: str = "at_once"
    requested: str = "never"
    by_email: bool = True
    endpoints: tuple[Endpoint, ...] = ()


NOTHING_CHOSEN = Choice()
Choices = Mapping[UUID, Choice]


def choices_of(people: Iterable[User] | None = None, *, wanting_own_runs: bool = False) -> Choices:
    """By person; those who chose nothing are left out."""
    rows = NotificationChoice.objects.prefetch_related("endpoints")
    if people is not None:
        rows = rows.filter(user__in=[person.pk for person in people])
    if wanting_own_runs:
        rows = rows.exclude(requested="never")
    return {row.user_id: choice_in(row) for row in rows}


def choice_in(row: NotificationChoice) -> Choice:
    working = tuple(one for one in row.endpoints.all() if one.archived_at is None)
    return Choice(pace=row.pace, requested=row.requested, by_email=row.by_email, endpoints=working)


def to_person(notice: Notice, person: User, choice: Choice, *, more: str = "", now: datetime) -> Iterator[Delivery]:
    """A message for each way that is open; where none is, one that waits on the page of messages. MORE ends the mail:
    it is only for those who may read it."""
    held = None if notice.event in URGENT else held_until(choice.pace, now=now)
    due = {"held_until": held, "next_attempt_at": None if held else now}
    if choice.by_email and person.email:
        yield _row(notice, channel="email", address=person.email, text=notice.text + more, recipient=person, **due)
    for endpoint in choice.endpoints:
        where = {"channel": endpoint.kind, "address": endpoint.shown_address[:300], "endpoint": endpoint}
        yield _row(notice, **where, text=notice.brief, recipient=person, **due)
    if not choice.endpoints and not (choice.by_email and person.email):
        yield _row(notice, channel="page", address="", text=notice.text + more, recipient=person, delivered_at=now)


def to_endpoint(notice: Notice, endpoint: Endpoint, *, now: datetime) -> Delivery:
    where = {"channel": endpoint.kind, "address": endpoint.shown_address[:300], "endpoint": endpoint}
    return _row(notice, **where, text=notice.brief, next_attempt_at=now)


def to_nobody(notice: Notice, to: str, *, why: str) -> Delivery:
    """A rule names what is not there: the page of messages says so."""
    return _row(notice, channel="none", address=to, text=notice.brief, last_error=why)


def held_until(pace: str, *, now: datetime) -> datetime | None:
    hour = now.replace(minute=0, second=0, microsecond=0)
    if pace == "hourly":
        return hour + timedelta(hours=1)
    if pace == "daily":
        today = hour.replace(hour=DIGEST_HOUR)
        return today if today > now else today + timedelta(days=1)
    return None


def _row(notice: Notice, **more: object) -> Delivery:
    return Delivery(
        occasion=notice.occasion,
        event=notice.event,
        subject=notice.subject,
        link=notice.link,
        facts=dict(notice.facts),
        run=notice.run,
        runbook=notice.runbook,
        project=notice.project,
        **more,
    )
