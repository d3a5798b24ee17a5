"""From "owners" or "group:oncall" to people and endpoints, and only such as may know of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from runbooks.access.audience import auditors_at, members_of, owners_at, who_see
from runbooks.access.fetch import as_uuid, installation
from runbooks.access.held import Place
from runbooks.models import AuditEvent, Delivery, Endpoint, EndpointKind, Group, Project, Run, Runbook, User
from runbooks.usecases.notifications.compose import Notice
from runbooks.usecases.notifications.ways import NOTHING_CHOSEN, choices_of, to_endpoint, to_nobody, to_person


@dataclass(frozen=True)
class Around:
    """Where something happened."""

    project: Project | None = None
    runbook: Runbook | None = None
    run: Run | None = None

    @property
    def place(self) -> Place:
        return self.runbook or self.project or installation()


@dataclass(frozen=True)
class Found:
    """The places of many acts, fetched at once; keys are ids as the log writes them."""

    projects: dict[str, Project]
    runbooks: dict[str, Runbook]
    runs: dict[str, Run]

    @classmethod
    def of(cls, events: Sequence[AuditEvent]) -> "Found":
        projects = {event.project_id for event in events if event.project_id}
        books = {event.runbook_id for event in events if event.runbook_id}
        # A denial may be about what is no run's id at all, such as what somebody typed.
        runs = {key for event in events if event.object_type == "run" and (key := as_uuid(event.object_id))}
        found = Run.objects.filter(pk__in=runs).select_related("version", "requested_by__owner", "runbook__project")
        return cls(
            {str(one.pk): one for one in Project.objects.filter(pk__in=projects)},
            {str(one.pk): one for one in Runbook.objects.filter(pk__in=books).select_related("project")},
            {str(one.pk): one for one in found.defer("plan", "version__manifest")},
        )

    def around(self, event: AuditEvent) -> Around:
        run = self.runs.get(event.object_id) if event.object_type == "run" else None
        return Around(self.projects.get(event.project_id), self.runbooks.get(event.runbook_id), run)


def told(notice: Notice, *, to: str, endpoint: Endpoint | None, around: Around, now: datetime) -> Iterator[Delivery]:
    """The messages of one rule: to an ENDPOINT, or to whom TO names."""
    if to.startswith("endpoint:"):
        endpoint = _endpoint(to.removeprefix("endpoint:"), around)
    if endpoint and endpoint.kind != EndpointKind.PEOPLE:
        yield to_endpoint(notice, endpoint, now=now)
        return
    named = endpoint.address if endpoint else to
    people = _named(named, around=around, now=now)
    if people is None:
        yield to_nobody(notice, named, why=f"A rule tells {named}, which is not there: nobody was told.")
        return
    yield from to_people(notice, people, around=around, now=now)


def to_people(notice: Notice, people: Iterable[User], *, around: Around, now: datetime) -> Iterator[Delivery]:
    """To those of PEOPLE who may know of it."""
    seeing = who_see(people=people, place=around.place, now=now)
    choices = choices_of(seeing)
    for person in seeing:
        yield from to_person(notice, person, choices.get(person.pk, NOTHING_CHOSEN), now=now)


def _named(to: str, *, around: Around, now: datetime) -> Sequence[User] | None:
    """None: there is no such person, group or endpoint."""
    kind, _, name = to.partition(":")
    if to == "owners":
        return owners_at(place=around.place, now=now)
    if to == "auditors":
        return auditors_at(place=around.place, now=now)
    if to == "requester":
        return [asker_of(around.run)] if around.run else []
    if kind == "user":
        return list(User.objects.filter(username=name)) or None
    group = Group.objects.filter(slug=name).first() if kind == "group" else None
    return members_of(group=group, now=now) if group else None


def asker_of(run: Run) -> User:
    """The person behind the account that asked for it."""
    return run.requested_by.owner or run.requested_by


def _endpoint(slug: str, around: Around) -> Endpoint | None:
    """The nearest of that name."""
    here = Q(project=None, runbook=None)
    if around.project:
        here |= Q(project=around.project)
    if around.runbook:
        here |= Q(runbook=around.runbook)
    found = Endpoint.objects.filter(here, slug=slug, person=None, archived_at=None)
    return found.order_by(F("runbook_id").desc(nulls_last=True), F("project_id").desc(nulls_last=True)).first()
