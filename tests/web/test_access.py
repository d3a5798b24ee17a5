"""The table of grants: seeing, giving, taking back."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from runbooks.access.fetch import installation
from runbooks.models import AuditEvent, Grant, Project
from runbooks.usecases.people.groups import add_group, add_member
from tests.web.helpers import main_text
from tests.world import World


def asked(**more: Any) -> dict[str, Any]:
    usual = {
        "principal": "user:stranger",
        "object": "project:payments",
        "role": "runner",
        "lasts": "7d",
        "reason": "on call",
    }
    return {**usual, **more}


def rows(world: World, name: str, query: str = "") -> list[str]:
    answer = world.browser(name).get(f"/access?{query}")
    return [f"{row['grant'].principal_name} {row['grant'].object_name}" for row in answer.context["rows"]]


def test_an_owner_gives_a_role_for_a_week(world: World) -> None:
    assert world.browser("owner").post("/access/new", asked()).status_code == 302
    made = Grant.objects.get(user__username="stranger")
    assert (made.rights, made.reason, made.granted_by) == (
        ["view", "run", "see_output"],
        "on call",
        world.user("owner"),
    )
    assert made.expires_at
    assert timedelta(days=6) < made.expires_at - timezone.now() <= timedelta(days=7)


def test_single_rights_until_an_exact_moment(world: World) -> None:
    form = asked(role="single", rights=["view", "run"], lasts="forever", until="2999-01-01T10:00")
    world.browser("owner").post("/access/new", form)
    made = Grant.objects.get(user__username="stranger")
    assert made.rights == ["view", "run"]
    assert made.expires_at
    assert made.expires_at.isoformat() == "2999-01-01T10:00:00+00:00"


@pytest.mark.parametrize("principal", ["user:owner", "group:mine"])
def test_nobody_grants_to_themselves_and_the_form_says_why(world: World, principal: str) -> None:
    group = add_group(actor=world.actor("admin"), slug="mine", title="Mine", now=timezone.now())
    add_member(actor=world.actor("admin"), group=group, user=world.user("owner"), now=timezone.now())
    before = Grant.objects.count()
    answer = world.browser("owner").post("/access/new", asked(principal=principal))
    assert answer.status_code == 403
    assert "Nobody widens their own rights" in main_text(answer)
    assert 'value="on call"' in answer.content.decode()
    assert Grant.objects.count() == before
    assert AuditEvent.objects.filter(action="grant.created", outcome="denied", actor_name="owner").exists()


def test_an_administrator_does_not_grant_to_themselves_either(world: World) -> None:
    form = asked(principal="user:admin", object="installation", role="owner")
    assert world.browser("admin").post("/access/new", form).status_code == 403


def test_nobody_hands_out_what_they_do_not_hold(world: World) -> None:
    answer = world.browser("owner").post("/access/new", asked(role="auditor"))
    assert answer.status_code == 403
    assert "you do not hold audit" in main_text(answer)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"principal": "user:nobody"}, "There is no user “nobody”."),
        ({"principal": "nobody"}, "Write “user:name” or “group:name”."),
        ({"object": "everything"}, "Write “installation”"),
        ({"role": "single"}, "Name at least one right."),
        ({"until": "2001-01-01T00:00"}, "would have ended already"),
        ({"reason": ""}, "This field is required."),
    ],
)
def test_a_wrong_field_is_told_at_the_field(world: World, change: dict[str, str], complaint: str) -> None:
    answer = world.browser("owner").post("/access/new", asked(**change))
    assert answer.status_code == 422
    assert complaint in main_text(answer)


def test_who_may_run_it_finds_what_flows_down_and_comes_through_groups(world: World) -> None:
    world.published()
    group = add_group(actor=world.actor("admin"), slug="sre", title="SRE", now=timezone.now())
    add_member(actor=world.actor("admin"), group=group, user=world.user("runner"), now=timezone.now())
    world.give(group, installation(), "view")
    assert "user:runner project:payments" in rows(world, "admin", "object=runbook:payments/hello")
    assert rows(world, "admin", "principal=user:runner") == ["group:sre installation", "user:runner project:payments"]


def test_a_runner_sees_their_own_grants_only(world: World) -> None:
    assert rows(world, "runner") == ["user:runner project:payments"]
    assert rows(world, "runner", "principal=user:owner") == []
    assert rows(world, "stranger", "object=project:payments") == []


def test_revoking_ends_it_and_keeps_the_row(world: World) -> None:
    grant = Grant.objects.get(user__username="runner")
    answer = world.browser("owner").post(f"/access/{grant.pk}/revoke", {"reason": "left the team"})
    assert answer.status_code == 302
    assert rows(world, "owner", "principal=user:runner") == []
    assert rows(world, "owner", "principal=user:runner&state=all") == ["user:runner project:payments"]
    event = AuditEvent.objects.get(action="grant.revoked")
    assert b"left the team" in bytes(event.body)


def test_who_may_not_grant_may_not_revoke(world: World) -> None:
    grant = Grant.objects.get(user__username="runner")
    answer = world.browser("runner").post(f"/access/{grant.pk}/revoke")
    assert answer.status_code == 403
    assert "Revoking needs the right “grant”" in main_text(answer)
    grant.refresh_from_db()
    assert grant.revoked_at is None


def test_a_grant_that_one_does_not_see_can_not_be_named(world: World) -> None:
    grant = Grant.objects.get(user__username="owner")
    assert world.browser("stranger").post(f"/access/{grant.pk}/revoke").status_code == 404


def test_granting_in_a_project_that_one_does_not_see_answers_as_if_there_were_none(world: World) -> None:
    Project.objects.create(slug="secret", title="Secret")
    answers = [
        world.browser("owner").post("/access/new", asked(object=f"project:{name}")) for name in ("secret", "none")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
