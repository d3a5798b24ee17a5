"""Every rule about approving a run, tried by every way in: page, API by token, command line, an agent's token."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from runbooks.domain.states import RunStatus
from runbooks.models import Membership, Run, TokenKind
from runbooks.usecases.approvals.delegate import delegate, take_back
from runbooks.usecases.people.accounts import disable
from runbooks.usecases.people.groups import end_membership
from runbooks.usecases.versions.publish import publish
from tests.cli.conftest import Opsaas
from tests.usecases.test_approvals import asked, book, say
from tests.world import World

Say = Callable[[str, Run, str], None]  # who, on what, "approve" or "reject"


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """The command speaks to this very process, in this test's transaction."""
    transport = httpx.WSGITransport(app=get_wsgi_application())
    monkeypatch.setattr("runbooks.cli.client.httpx.Client", partial(httpx.Client, transport=transport))
    monkeypatch.setenv("OPSAAS_URL", "http://localhost")


@pytest.fixture
def command(in_process: None, monkeypatch: pytest.MonkeyPatch, opsaas: Opsaas, world: World) -> Callable[..., Any]:
    def as_(name: str, *words: str, **more: Any) -> Any:
        monkeypatch.setenv("OPSAAS_TOKEN", world.token(name, **more))
        return opsaas(*words)

    return as_


@pytest.fixture(params=["page", "api", "cli"])
def way(request: pytest.FixtureRequest, world: World, command: Callable[..., Any]) -> Say:
    def by_page(name: str, run: Run, verdict: str) -> None:
        body = {"verdict": verdict, "comment": "said", "plan_hash": run.plan_hash}
        world.browser(name).post(f"/runs/{run.pk}/approval", body)

    def by_token(kind: TokenKind, name: str, run: Run, verdict: str) -> None:
        body = {"verdict": verdict, "comment": "said", "plan_hash": run.plan_hash}
        world.client(name, kind=kind)("POST", f"/runs/{run.pk}/approval", body)

    def by_command(name: str, run: Run, verdict: str) -> None:
        verb = "approve" if verdict == "approve" else "deny"
        command(name, "approvals", verb, str(run.pk), "--comment", "said", kind=TokenKind.CLI)

    ways: dict[str, Say] = {
        "page": by_page,
        "api": partial(by_token, TokenKind.API),
        "cli": by_command,
    }
    return ways[request.param]


def status(run: Run) -> str:
    return Run.objects.get(pk=run.pk).status


def test_who_is_meant_says_yes(world: World, way: Say) -> None:
    run = asked(world)
    way("owner", run, "approve")
    assert status(run) == RunStatus.QUEUED


def test_who_is_meant_says_no(world: World, way: Say) -> None:
    run = asked(world)
    way("owner", run, "reject")
    assert status(run) == RunStatus.DENIED


def test_nobody_else_says_anything(world: World, way: Say) -> None:
    run = asked(world)
    for name in ("runner", "author", "auditor", "admin", "stranger"):
        for verdict in ("approve", "reject"):
            way(name, run, verdict)
    assert status(run) == RunStatus.AWAITING_APPROVAL


def test_who_asked_does_not_though_they_are_meant(world: World, way: Say) -> None:
    run = asked(world, by="owner")
    way("owner", run, "approve")
    assert status(run) == RunStatus.AWAITING_APPROVAL


def test_nor_does_the_owner_of_the_account_that_asked(world: World, way: Say) -> None:
    world.give("robot", world.project, "view", "run")
    run = asked(world, by="robot")
    Membership.objects.create(group=group(), user=world.user("author"), starts_at=timezone.now())
    way("author", run, "approve")
    assert status(run) == RunStatus.AWAITING_APPROVAL


def test_one_person_is_not_two(world: World, way: Say) -> None:
    run = asked(world, count=2)
    way("owner", run, "approve")
    way("owner", run, "approve")
    assert status(run) == RunStatus.AWAITING_APPROVAL
    way("owner2", run, "approve")
    assert status(run) == RunStatus.QUEUED


def test_who_has_left_the_group_or_the_house_says_nothing(world: World, way: Say) -> None:
    run, now = asked(world), timezone.now()
    end_membership(actor=world.actor("admin"), group=group(), user=world.user("owner2"), now=now)
    way("owner2", run, "approve")
    assert status(run) == RunStatus.AWAITING_APPROVAL


def test_a_delegate_does_until_it_is_taken_back(world: World, way: Say) -> None:
    now = timezone.now()
    made = delegate(actor=world.actor("owner"), to="auditor", until=now + timedelta(hours=1), now=now)
    first = asked(world)
    way("auditor", first, "approve")
    assert status(first) == RunStatus.QUEUED
    take_back(actor=world.actor("owner"), delegation=made, now=timezone.now())
    second = world.started(first.runbook, {"env": "production"})
    way("auditor", second, "approve")
    assert status(second) == RunStatus.AWAITING_APPROVAL


def test_what_is_stale_is_not_approved(world: World, way: Say) -> None:
    run = asked(world)
    publish(actor=world.actor("owner"), version=world.approved("deploy", script="echo b"), now=timezone.now())
    way("owner", run, "approve")
    assert status(run) == RunStatus.AWAITING_APPROVAL


def test_what_is_over_stays_over(world: World, way: Say) -> None:
    run = say(world, asked(world), "owner", "reject", "No")
    way("owner2", run, "approve")
    assert status(run) == RunStatus.DENIED


def test_a_disabled_approver_does_not_count_though_they_said_yes(world: World, way: Say) -> None:
    run = asked(world)
    way("owner", run, "approve")
    disable(actor=world.actor("admin"), account=world.user("owner"), now=timezone.now())
    assert world.executed(run).status == RunStatus.REFUSED


def group() -> Any:
    return Membership.objects.filter(group__slug="sre").first().group  # type: ignore[union-attr]


def test_starting_says_that_it_waits_and_for_whom(world: World, command: Callable[..., Any]) -> None:
    world.group_of("owner", slug="sre")
    book(world)
    done = command("runner", "run", "payments/deploy", "-p", "env=production")
    assert done.code == 0
    assert "is awaiting approval. Waits for 1 approval of group:sre." in done.err


def test_the_list_has_what_waits_for_me(world: World, command: Callable[..., Any]) -> None:
    run = asked(world)
    assert str(run.pk) in command("owner", "approvals", "list").text
    assert "Nothing waits for you." in command("runner", "approvals", "list").err
    assert str(run.pk) in command("runner", "approvals", "list", "--all").text
    assert str(run.pk) not in command("owner", "approvals", "list", "--past").text


def test_what_is_approved_is_printed_first(world: World, command: Callable[..., Any]) -> None:
    run = asked(world)
    done = command("owner", "approvals", "approve", str(run.pk))
    assert (done.code, done.text) == (0, "queued\n")
    for words in ("payments/deploy, version 1", "env=production", run.plan_hash, "you approved run"):
        assert words in done.err


def test_another_plan_than_the_one_named_is_refused(world: World, command: Callable[..., Any]) -> None:
    run = asked(world)
    done = command("owner", "approvals", "approve", str(run.pk), "--hash", "sha256:other")
    assert done.code == 1
    assert "You read another plan" in done.err
    assert status(run) == RunStatus.AWAITING_APPROVAL
