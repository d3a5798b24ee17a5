"""An administrator made by whoever has the console: how an installation gets its first one."""

from datetime import datetime

from django.db import transaction

from runbooks.access.fetch import installation
from runbooks.audit.record import record
from runbooks.domain.names import require_username
from runbooks.models import User
from runbooks.usecases.conflict import Conflict
from runbooks.usecases.grants.grant import write_grant
from runbooks.usecases.people.passwords import check_password

RIGHTS = ("administer", "grant")
REASON = "from the console"


def add_administrator(*, username: str, full_name: str, email: str, password: str, now: datetime) -> User:
    """A person who may manage people, projects and grants, and run nothing by that. Raises Invalid and Conflict."""
    require_username(username, pointer="/username")
    if User.objects.filter(username=username).exists():
        raise Conflict(f"There is an account “{username}” already.", code="exists")
    person = User(username=username, full_name=full_name, email=email)
    check_password(password, user=person, pointer="/password")
    person.set_password(password)
    with transaction.atomic():
        person.save(force_insert=True)
        record(actor=None, action="user.created", thing=person, reason=REASON, now=now)
        write_grant(
            by=None, principal=person, place=installation(), rights=RIGHTS, expires_at=None, reason=REASON, now=now
        )
    return person
