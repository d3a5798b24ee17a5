from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from runbooks.access.actors import by_session
from runbooks.access.fetch import installation
from runbooks.access.rights import rights_on
from runbooks.models import AuditEvent, User

pytestmark = pytest.mark.django_db


def added(name: str) -> str:
    """The password that was printed."""
    said = StringIO()
    call_command("add_administrator", name, stdout=said)
    return said.getvalue().strip().rpartition(" ")[2]


def test_an_administrator_from_the_console_signs_in_with_the_printed_password() -> None:
    password = added("grace")
    browser = Client()
    browser.post("/accounts/login/", {"login": "grace", "password": password})
    assert browser.get("/admin").status_code == 200


def test_an_administrator_from_the_console_may_run_nothing_by_that() -> None:
    added("grace")
    actor = by_session(user=User.objects.get(username="grace"), ip="", request_id="")
    assert rights_on(actor=actor, place=installation(), now=timezone.now()) == {"view", "grant", "administer"}


def test_the_log_tells_of_an_administrator_from_the_console() -> None:
    added("grace")
    assert AuditEvent.objects.filter(action="user.created", object_name="grace", actor_type="system").count() == 1
    assert AuditEvent.objects.filter(action="grant.created").count() == 1


def test_an_account_that_exists_is_not_made_an_administrator() -> None:
    User(username="grace").save()
    with pytest.raises(CommandError, match="already"):
        added("grace")
    assert not AuditEvent.objects.filter(action="grant.created").exists()


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError):
        added("no such name!")
