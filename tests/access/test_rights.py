"""Who may do what: grants and their validity, groups and their dates, projects and their walls."""

from datetime import timedelta

import pytest
from django.utils import timezone

from runbooks.access.fetch import installation
from runbooks.access.rights import holds_anywhere, may, owners_of, restrict_projects, restrict_runbooks, rights_on
from runbooks.models import Grant, Membership, Project, Runbook
from runbooks.usecases.people.accounts import disable
from tests.world import World

NOW = timezone.now


def test_rights_flow_from_installation_to_project_to_runbook(world: World) -> None:
    runbook = world.published()
    stranger = world.actor("stranger")
    assert rights_on(actor=stranger, place=runbook, now=NOW()) == set()
    world.give("stranger", runbook, "run")
    assert rights_on(actor=stranger, place=runbook, now=NOW()) == {"run", "view"}
    world.give("stranger", world.project, "edit")
    assert "edit" in rights_on(actor=stranger, place=runbook, now=NOW())
    world.give("stranger", installation(), "approve")
    assert "approve" in rights_on(actor=stranger, place=runbook, now=NOW())


def test_rights_do_not_flow_up_or_sideways(world: World) -> None:
    runbook, other = world.published(), world.published("other")
    world.give("stranger", runbook, "run")
    stranger = world.actor("stranger")
    assert not may(actor=stranger, right="run", place=other, now=NOW())
    assert not may(actor=stranger, right="run", place=world.project, now=NOW())
    neighbours = Project.objects.create(slug="neighbours", title="Neighbours")
    assert not may(actor=world.actor("owner"), right="view", place=neighbours, now=NOW())


def test_a_grant_holds_until_it_expires_or_is_revoked(world: World) -> None:
    soon = NOW() + timedelta(hours=1)
    world.give("stranger", world.project, "run", expires_at=soon)
    stranger = world.actor("stranger")
    assert may(actor=stranger, right="run", place=world.project, now=NOW())
    assert not may(actor=stranger, right="run", place=world.project, now=soon)
    Grant.objects.filter(user=stranger.user).update(revoked_at=NOW())
    assert not may(actor=stranger, right="run", place=world.project, now=NOW())


def test_two_grants_of_one_right_outlive_the_end_of_one(world: World) -> None:
    world.give("stranger", world.project, "run")
    world.give("stranger", world.project, "run", "view")
    first = Grant.objects.filter(user__username="stranger").earliest("granted_at")
    Grant.objects.filter(pk=first.pk).update(revoked_at=NOW())
    assert may(actor=world.actor("stranger"), right="run", place=world.project, now=NOW())


def test_members_hold_what_their_group_holds_while_they_are_in_it(world: World) -> None:
    group = world.group_of("stranger")
    world.give(group, world.project, "run")
    stranger = world.actor("stranger")
    assert may(actor=stranger, right="run", place=world.project, now=NOW())
    before = NOW() - timedelta(days=1)
    assert not may(actor=stranger, right="run", place=world.project, now=before)
    Membership.objects.filter(group=group).update(ends_at=NOW())
    assert not may(actor=stranger, right="run", place=world.project, now=NOW())


def test_a_disabled_person_holds_nothing_and_neither_do_their_service_accounts(world: World) -> None:
    world.give("robot", world.project, "run")
    robot = world.actor("robot")
    assert may(actor=robot, right="run", place=world.project, now=NOW())
    disable(actor=world.actor("admin"), account=world.user("author"), now=NOW())
    for name in ("author", "robot"):
        assert rights_on(actor=world.actor(name), place=world.project, now=NOW()) == set()


def test_a_token_is_never_wider_than_its_scopes_nor_than_its_owner(world: World) -> None:
    runbook = world.published()
    reader = world.actor("owner", scopes=("view",))
    assert rights_on(actor=reader, place=runbook, now=NOW()) == {"view"}
    decision = may(actor=reader, right="run", place=runbook, now=NOW())
    assert decision.reasons == ("This token is limited to: view.",)
    wide = world.actor("runner", scopes=("run", "review"))
    assert rights_on(actor=wide, place=runbook, now=NOW()) == {"run", "view"}
    only_run = world.actor("auditor", scopes=("run",))
    assert not holds_anywhere(actor=only_run, right="audit", now=NOW())


@pytest.mark.parametrize(
    ("name", "right", "seen"),
    [
        ("stranger", "view", 0),
        ("runner", "view", 2),
        ("runner", "run", 2),
        ("runner", "edit", 0),
        ("author", "run", 0),
        ("admin", "view", 2),
        ("admin", "run", 0),
        ("auditor", "audit", 2),
    ],
)
def test_lists_hold_exactly_what_single_answers_allow(world: World, name: str, right: str, seen: int) -> None:
    books = [world.published(), world.published("other")]
    actor = world.actor(name)
    listed = restrict_runbooks(actor=actor, right=right, now=NOW(), queryset=Runbook.objects.all())
    assert listed.count() == seen == sum(bool(may(actor=actor, right=right, place=book, now=NOW())) for book in books)


def test_a_project_is_seen_by_who_sees_a_runbook_in_it_and_once(world: World) -> None:
    world.give("stranger", world.published(), "run")
    world.give("stranger", world.published("other"), "view")
    found = restrict_projects(actor=world.actor("stranger"), right="view", now=NOW(), queryset=Project.objects.all())
    assert list(found) == [world.project]


def test_owners_are_those_who_may_both_review_and_grant_there(world: World) -> None:
    runbook = world.published()
    assert [owner.username for owner in owners_of(runbook=runbook, now=NOW())] == ["owner", "owner2"]
    world.give("stranger", runbook, "grant")
    world.give(world.group_of("stranger"), runbook, "review")
    assert "stranger" in [owner.username for owner in owners_of(runbook=runbook, now=NOW())]
