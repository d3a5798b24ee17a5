"""The demo's cast, one for each of the people that opsaas is for."""

from datetime import datetime

from django.db import transaction

from runbooks.access.fetch import installation
from runbooks.audit.record import record
from runbooks.models import User, UserKind
from runbooks.usecases.grants.grant import write_grant

PEOPLE = {
    "admin": "Ada Admin",
    "owner": "Olga Owner",
    "owner2": "Oskar Owner",
    "author": "Aram Author",
    "runner": "Rosa Runner",
    "auditor": "Anton Auditor",
}
ON_INSTALLATION = {"admin": ["administer", "grant"], "auditor": ["view", "see_output", "audit"]}


def seed_people(*, password: str, now: datetime) -> tuple[dict[str, User], bool]:
    """The cast by name, and whether anybody of it is new."""
    with transaction.atomic():
        cast, made = {}, False
        for name, full_name in PEOPLE.items():
            cast[name], new = _person(name=name, full_name=full_name, password=password, now=now)
            made = made or new
        cast["robot"] = _robot(owner=cast["author"], now=now)
    return cast, made


def _person(*, name: str, full_name: str, password: str, now: datetime) -> tuple[User, bool]:
    if found := User.objects.filter(username=name).first():
        return found, False
    person = User(username=name, full_name=full_name, email=f"{name}@opsaas.example")
    person.set_password(password)
    person.save()
    record(actor=None, action="user.created", thing=person, reason="demo", now=now)
    if rights := ON_INSTALLATION.get(name):
        write_grant(
            by=None, principal=person, place=installation(), rights=rights, expires_at=None, reason="demo", now=now
        )
    return person, True


def _robot(*, owner: User, now: datetime) -> User:
    found = User.objects.select_related("owner").filter(username="robot").first()
    if found:
        return found
    robot = User(username="robot", full_name="Pipeline robot", kind=UserKind.SERVICE, owner=owner)
    robot.set_unusable_password()
    robot.save()
    record(actor=None, action="user.created", thing=robot, reason="demo", now=now)
    return robot
