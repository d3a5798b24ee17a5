"""Administrators: the switch, people, groups; and that none of it widens their own rights."""

import pytest
from django.utils import timezone

from runbooks.access.fetch import NotAllowed
from runbooks.models import AuditEvent, Group, Membership, Run, StepRun, User
from runbooks.usecases.people.groups import add_group
from tests.web.helpers import main_text
from tests.world import World

ADMINS_ONLY = ["/admin", "/admin/people", "/admin/new-person", "/admin/new-service-account", "/admin/groups"]


@pytest.mark.parametrize("path", ADMINS_ONLY)
@pytest.mark.parametrize("name", ["owner", "auditor", "runner"])
def test_others_are_told_why_not_and_the_log_knows(world: World, path: str, name: str) -> None:
    answer = world.browser(name).get(path)
    assert answer.status_code == 403
    assert "“administer”" in main_text(answer)
    assert AuditEvent.objects.filter(outcome="denied", actor_name=name).count() == 1


def test_the_switch_stops_new_runs_and_lets_them_start_again(world: World) -> None:
    runbook, admin = world.published(), world.browser("admin")
    assert admin.post("/admin/kill-switch", {"accepts": "no", "reason": "bad deploy"}).status_code == 302
    assert "New runs are switched off" in main_text(admin.get("/admin"))
    with pytest.raises(NotAllowed) as refusal:
        world.started(runbook)
    assert "switched off" in refusal.value.reasons[0]
    assert b"bad deploy" in bytes(AuditEvent.objects.get(action="kill_switch.set").body)
    admin.post("/admin/kill-switch", {"accepts": "yes", "reason": "rolled back"})
    world.started(runbook)
    assert Run.objects.count() == 1


def test_the_switch_needs_a_reason_and_an_administrator(world: World) -> None:
    assert world.browser("admin").post("/admin/kill-switch", {"accepts": "no"}).status_code == 400
    assert world.browser("owner").post("/admin/kill-switch", {"accepts": "no", "reason": "x"}).status_code == 403
    world.started()


def test_health_shows_who_holds_a_lease_and_what_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runbooks.queries.health.broker_error", lambda: "Connection refused")
    world.started()
    run = world.started(world.published("other"))
    now = timezone.now()
    StepRun.objects.filter(run=run).update(status="running", worker="host:7:ab", lease_until=now, started_at=now)
    Run.objects.filter(pk=run.pk).update(status="running")
    StepRun.objects.exclude(run=run).update(hinted_at=None)
    shown = main_text(world.browser("admin").get("/admin"))
    for part in ("host:7:ab one step", "Running 1", "Queued 1", "Hints not sent yet 1", "Broker does not answer"):
        assert part in shown


def test_a_person_is_added_with_no_rights(world: World) -> None:
    asked = {"username": "newcomer", "full_name": "New", "email": "n@example.org", "password": "a long enough secret"}
    assert world.browser("admin").post("/admin/new-person", asked).status_code == 302
    person = User.objects.get(username="newcomer")
    assert person.check_password("a long enough secret")
    assert not person.grants.exists()


@pytest.mark.parametrize(
    ("change", "status", "complaint"),
    [
        ({"password": "short"}, 422, "too short"),
        ({"username": "Not A Name"}, 422, "lower-case"),
        ({"username": "owner"}, 409, "There is an account “owner” already."),
        ({"email": "nowhere"}, 422, "valid email"),
    ],
)
def test_a_wrong_field_of_a_new_person_is_told(
    world: World, change: dict[str, str], status: int, complaint: str
) -> None:
    asked = {"username": "newcomer", "password": "a long enough secret", **change}
    answer = world.browser("admin").post("/admin/new-person", asked)
    assert answer.status_code == status
    assert complaint in main_text(answer)
    assert b"a long enough secret" not in answer.content


def test_a_service_account_gets_an_owner(world: World) -> None:
    asked = {"username": "deployer", "owner": "author"}
    world.browser("admin").post("/admin/new-service-account", asked)
    assert User.objects.get(username="deployer").owner == world.user("author")
    wrong = world.browser("admin").post("/admin/new-service-account", {"username": "x", "owner": "nobody"})
    assert "There is no user “nobody”." in main_text(wrong)


def test_a_disabled_persons_session_ends_at_the_next_request(world: World) -> None:
    runner = world.browser("runner")
    assert runner.get("/access").status_code == 200
    world.browser("admin").post("/admin/people/runner/switch", {"disabled": "yes", "reason": "left"})
    answer = runner.get("/access")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")
    shown = main_text(world.browser("admin").get("/admin/people/runner"))
    assert "disabled" in shown


def test_enabling_brings_the_person_back_but_not_their_tokens(world: World) -> None:
    token, admin = world.client("runner"), world.browser("admin")
    admin.post("/admin/people/runner/switch", {"disabled": "yes", "reason": "left"})
    admin.post("/admin/people/runner/switch", {"disabled": "no", "reason": "is back"})
    assert world.browser("runner").get("/me").status_code == 200
    assert token("GET", "/me").status_code == 401


def test_an_administrator_cannot_switch_themselves_off(world: World) -> None:
    answer = world.browser("admin").post("/admin/people/admin/switch", {"disabled": "yes", "reason": "x"})
    assert answer.status_code == 403
    assert world.user("admin").disabled_at is None


def test_people_are_found_by_a_part_of_their_name(world: World) -> None:
    shown = world.browser("admin").get("/admin/people?q=own").context["accounts"]
    assert {one.username for one in shown} == {"owner", "owner2"}
    services = world.browser("admin").get("/admin/people?kind=service").context["accounts"]
    assert [one.username for one in services] == ["robot"]


def test_a_hostile_full_name_is_shown_as_text(world: World) -> None:
    User.objects.filter(username="runner").update(full_name="<img src=x onerror=alert(1)>")
    for path in ("/admin/people", "/admin/people/runner"):
        assert b"<img src=x" not in world.browser("admin").get(path).content


def test_others_see_their_own_account_and_those_they_answer_for_only(world: World) -> None:
    author = world.browser("author")
    assert [author.get(f"/admin/people/{name}").status_code for name in ("author", "robot", "owner", "nobody")] == [
        *(200, 200, 404, 404),
    ]


def test_a_group_gets_members_with_dates_and_keeps_those_who_left(world: World) -> None:
    admin = world.browser("admin")
    assert admin.post("/admin/groups", {"slug": "sre", "title": "SRE"}).status_code == 302
    assert admin.post("/admin/groups/sre", {"user": "runner", "lasts": "7d"}).status_code == 302
    assert Membership.objects.get().ends_at
    assert admin.post("/admin/groups/sre/members/runner/end").status_code == 302
    shown = main_text(admin.get("/admin/groups/sre"))
    assert "Nobody is in it." in shown
    assert "Were in it before" in shown


def test_an_administrator_does_not_add_themselves_to_a_group(world: World) -> None:
    add_group(actor=world.actor("admin"), slug="sre", title="SRE", now=timezone.now())
    answer = world.browser("admin").post("/admin/groups/sre", {"user": "admin", "lasts": "forever"})
    assert answer.status_code == 403
    assert "Nobody widens their own rights" in main_text(answer)
    assert not Membership.objects.exists()


def test_two_groups_of_one_slug_are_refused(world: World) -> None:
    admin = world.browser("admin")
    admin.post("/admin/groups", {"slug": "sre", "title": "SRE"})
    answer = admin.post("/admin/groups", {"slug": "sre", "title": "Other"})
    assert answer.status_code == 409
    assert Group.objects.count() == 1


def test_making_a_project_gives_no_right_to_run_in_it(world: World) -> None:
    admin = world.browser("admin")
    assert admin.post("/projects", {"slug": "search", "title": "Search"}).status_code == 302
    assert "New runbook" not in main_text(admin.get("/projects"))
    assert admin.get("/projects/search/new").status_code == 403
    assert world.browser("owner").post("/projects", {"slug": "mine", "title": "Mine"}).status_code == 403
