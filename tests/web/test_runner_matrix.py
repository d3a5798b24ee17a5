"""Every page and act of runners, every role: what they get. A route of theirs that is not here fails."""

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from runbooks.models import Run
from runbooks.usecases.runs.cancel import cancel
from runbooks.web.urls import RUNNERS
from tests.world import World

ROLES = ("nobody", "stranger", "runner", "author", "owner", "auditor", "admin")
BOOK = "/runbooks/payments/hello"
FORM = {"key": "k"}

# fmt: off
TABLE = [
    #                                       nobody stranger runner author owner auditor admin; 302 of an act: done
    ("GET", "catalog", "/", "302 200 200 200 200 200 200"),
    ("GET", "runbook", BOOK, "302 404 200 200 200 200 200"),
    ("GET", "run_form", f"{BOOK}/run", "302 404 200 403 200 403 403"),
    ("POST", "run_form", f"{BOOK}/run", "302 404 302 403 302 403 403"),
    ("POST", "run_preview", f"{BOOK}/run/preview", "302 404 200 403 200 403 403"),
    ("GET", "runs", "/runs", "302 200 200 200 200 200 200"),
    ("GET", "run", "/runs/{run}", "302 404 200 200 200 200 200"),
    ("POST", "run_cancel", "/runs/{run}/cancel", "302 404 302 403 302 403 302"),
    ("POST", "run_rerun", "/runs/{over}/rerun", "302 404 302 403 302 403 403"),
    ("GET", "palette", "/palette?q=a", "302 200 200 200 200 200 200"),
]
# fmt: on


@pytest.fixture
def runs(world: World) -> dict[str, str]:
    """A run that waits, of one runbook, and one that is over, of another."""
    world.published()
    over = world.started(world.published("other"))
    cancel(actor=world.actor("runner"), run=over, now=timezone.now())
    return {"run": str(world.started(world.published("third")).pk), "over": str(over.pk)}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
def test_each_role_gets_what_the_table_says(world: World, runs: dict[str, str], row: tuple[str, str, str, str]) -> None:
    method, _name, path, statuses = row
    expected = dict(zip(ROLES, map(int, statuses.split()), strict=True))
    assert {role: _status(world, role, method, path.format(**runs)) for role in ROLES} == expected


def test_no_act_goes_without_its_csrf_token(world: World, runs: dict[str, str]) -> None:
    strict = world.browser("runner")
    strict.handler.enforce_csrf_checks = True
    before = Run.objects.count()
    for method, _name, path, _statuses in TABLE:
        if method == "POST":
            assert strict.post(path.format(**runs), FORM).status_code == 403
    assert Run.objects.count() == before


def test_every_route_is_in_the_table() -> None:
    assert {name for _method, name, _path, _statuses in TABLE} == {route.name for route in RUNNERS}


def _status(world: World, role: str, method: str, path: str) -> int:
    """Of one call, whose effects are rolled back."""
    browser = Client() if role == "nobody" else world.browser(role)
    with transaction.atomic():
        answer = browser.get(path) if method == "GET" else browser.post(path, FORM)
        transaction.set_rollback(True)
    return answer.status_code
